import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vite';

import { firstLoadLimit } from './vite/first-load-limit.ts';
import { fixtureApi } from './dev/fixture.ts';

export default defineConfig({
  base: '/',
  plugins: [svelte(), firstLoadLimit(60_000), fixtureApi()],
  build: {
    outDir: '../api/thalweg_api/dashboards',
    emptyOutDir: true,
    // light-dark() and nested media ranges as they are written.
    target: ['chrome123', 'firefox121', 'safari17.5'],
    modulePreload: { polyfill: false },
    // A worker or font as a data URL would break the content security policy.
    assetsInlineLimit: 0,
    reportCompressedSize: false,
  },
  server: { host: '127.0.0.1' },
  preview: { host: '127.0.0.1' },
});
