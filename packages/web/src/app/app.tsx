import { RouterProvider } from '@tanstack/react-router';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { createAppRouter } from './router.tsx';

export function App() {
  const client = useQueryClient();
  const [router] = useState(() => createAppRouter(client));
  return <RouterProvider router={router} />;
}
