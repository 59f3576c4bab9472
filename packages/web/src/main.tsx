import './app/app.css';
import { App } from './app/app.tsx';
import { boot } from './boot.tsx';

await boot(<App />);
