import react from '@vitejs/plugin-react';
import { defineConfig, type UserConfig } from 'vite';

const service = `http://127.0.0.1:${process.env['PORT'] ?? '3000'}`;

const config: UserConfig = defineConfig({
  plugins: [react()],
  build: {
    // The policy allows no data: addresses but for images.
    assetsInlineLimit: 0,
    target: 'baseline-widely-available',
  },
  server: { proxy: { '/api': { target: service, changeOrigin: false } } },
});

export default config;
