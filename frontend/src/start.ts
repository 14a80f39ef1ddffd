/** Starts the application. What is loaded from here on may say its texts at once: the language is known. */
import { mount } from 'svelte';
import App from './App.svelte';
import { underway } from './upload/uploads.svelte';

addEventListener('beforeunload', (event) => {
  if (underway.length > 0) event.preventDefault();
});

const target = document.getElementById('app');
if (target) mount(App, { target });
