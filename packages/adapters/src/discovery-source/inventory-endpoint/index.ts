export { inventoryEndpoint } from './inventory-endpoint.ts';
