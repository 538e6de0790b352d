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
    target: 'baseline-widely-available',
    // Lower case throughout: file systems differ in what they hold for the same name.
    rolldownOptions: { output: { hashCharacters: 'hex' } },
  },
  server: {
    // A control plane that runs beside it: `AUTOPILOT_PORT=3001 npm run dev -w @teamflow/dashboard`.
    proxy: { '/api': { target: controlPlane, changeOrigin: false } },
  },
});

export default config;
