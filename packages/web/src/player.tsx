import { boot } from './boot.tsx';
import { PlayerDocument } from './player/player-document.tsx';

await boot(<PlayerDocument />);
