export { escapeJson, escapeJsonText, escapeText } from './escape.ts';
