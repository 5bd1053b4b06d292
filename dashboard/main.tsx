import { QueryClientProvider } from '@tanstack/react-query';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { App } from './dashboard-app.tsx';
import { createLiveStore } from './live/live-store.ts';
import { LiveContext } from './live/use-live.ts';
import { queries } from './service-api.ts';
import './styles/all.css';

const root = document.getElementById('root');
if (!root) throw new Error('index.html has no #root');
createRoot(root).render(
  <StrictMode>
    <QueryClientProvider client={queries}>
      <LiveContext value={createLiveStore(location.origin)}>
        <App />
      </LiveContext>
    </QueryClientProvider>
  </StrictMode>,
);
