import { fileURLToPath } from 'node:url';
import react from '@vitejs/plugin-react';
import { defineConfig, type UserConfig } from 'vite';

const controlPlane = `http://127.0.0.1:${process.env['AUTOPILOT_PORT'] ?? '3001'}`;

const config: UserConfig = defineConfig({
  base: '/autopilot/',
  plugins: [react()],
  // The library is taken from its sources, as Node takes it with `-C source`.
  resolve: { conditions: ['source', 'module', 'browser', 'development|production'] },
  build: {
    outDir: fileURLToPath(new URL('../autopilot/assets/dashboard', import.meta.url)),
    emptyOutDir: true,
    // The policy allows no data: addresses.
    assetsInlineLimit: 0,
    // One sheet, in one order, whichever page is opened first.
    cssCodeSplit: false,
    target: 'baseline-widely-available',
    rolldownOptions: {
      output: {
        // Lower case throughout: file systems differ in what they hold for the same name.
        hashCharacters: 'hex',
        // What every page stands on stays in browsers' caches over releases of our own code.
        codeSplitting: {
          groups: [{ name: 'packages', test: /node_modules[\\/](?:react|scheduler|@mantine|@tanstack)/ }],
        },
      },
    },
  },
  server: {
    // A control plane that runs beside it: `AUTOPILOT_PORT=3001 npm run dev -w @teamflow/dashboard`.
    proxy: { '/api': { target: controlPlane, changeOrigin: false } },
  },
});

export default config;
