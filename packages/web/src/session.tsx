import { boot } from './boot.tsx';
import { SessionDocument } from './session/session-document.tsx';

await boot(<SessionDocument />);
