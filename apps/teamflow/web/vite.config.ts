import react from '@vitejs/plugin-react';
import { defineConfig, type UserConfig } from 'vite';

const service = `http://127.0.0.1:${process.env['PORT'] ?? '3000'}`;

const config: UserConfig = defineConfig({
  plugins: [react()],
  // The library is taken from its sources, as Node takes it with `-C source`.
  resolve: { conditions: ['source', 'module', 'browser', 'development|production'] },
  build: {
    // The policy allows no data: addresses but for images.
    assetsInlineLimit: 0,
    target: 'baseline-widely-available',
    // Lower case throughout: file systems differ in what they hold for the same name.
    rolldownOptions: { output: { hashCharacters: 'hex' } },
  },
  server: { proxy: { '/api': { target: service, changeOrigin: false } } },
});

export default config;
