import '@fontsource-variable/inter/wght.css';
import './ui/theme.css';
import { mount } from 'svelte';
import App from './App.svelte';
import { router } from './router.svelte';
import { routes } from './routes';

router.start(routes);

const target = document.getElementById('app');
if (target) mount(App, { target });
