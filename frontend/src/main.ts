/** The language of the page first, as the server chose it; then everything that speaks it. */
import '@fontsource-variable/inter/wght.css';
import './ui/theme.css';
import { language, speak } from './strings';

void speak(document.documentElement.lang)
  .catch(() => speak('en'))
  .then(() => {
    document.documentElement.lang = language;
    return import('./start');
  });
