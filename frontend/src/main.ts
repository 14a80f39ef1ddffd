/** The page's address first, then its language, as the server chose it; then everything that speaks it. */
import '@fontsource-variable/inter/wght.css';
import './ui/theme.css';
import { router } from './router.svelte';
import { routes } from './routes';
import { language, speak } from './strings';

router.start(routes);
void speak(document.documentElement.lang)
  .catch(() => speak('en'))
  .then(() => {
    document.documentElement.lang = language;
    return import('./start');
  });
