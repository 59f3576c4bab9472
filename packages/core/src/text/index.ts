export { parseCsv } from './csv.ts';
export { escapeJson, escapeJsonText, escapeText } from './escape.ts';
