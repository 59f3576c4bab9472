import {
  AccessRequest,
  AccessRequestCounts,
  AccessRequestCreate,
  AccessRequestDecide,
  AccessRequestPage,
  AccessRequestQuery,
  RequestTerms,
} from '../models/request.ts';
import { routes } from '../route.ts';
import { IdParams } from '../schema.ts';

export const requestRoutes = routes({
  getRequestTerms: {
    method: 'GET',
    path: '/machines/:id/request-terms',
    access: 'machine.use',
    summary: 'Under which rules a machine may be asked for: who decides, how many, for how long.',
    params: IdParams,
    response: { 200: RequestTerms },
  },
  listRequests: {
    method: 'GET',
    path: '/requests',
    access: 'signed-in',
    summary: "Requests for access: one's own, those that wait for one's decision, and what became of them.",
    query: AccessRequestQuery,
    response: { 200: AccessRequestPage },
  },
  countRequests: {
    method: 'GET',
    path: '/request-counts',
    access: 'signed-in',
    summary: 'How many requests wait for my decision, and how many of mine are open.',
    response: { 200: AccessRequestCounts },
  },
  getRequest: {
    method: 'GET',
    path: '/requests/:id',
    access: 'signed-in',
    summary: 'One request for access.',
    params: IdParams,
    response: { 200: AccessRequest },
  },
  createRequest: {
    method: 'POST',
    path: '/requests',
    access: 'machine.use',
    summary: 'Asks for access to a machine, or to those with certain labels, for a time and with a reason.',
    body: AccessRequestCreate,
    response: { 201: AccessRequest },
    audit: ['request.asked', 'request.break-glass'],
  },
  decideRequest: {
    method: 'POST',
    path: '/requests/:id/decision',
    access: 'signed-in',
    summary:
      'Approves or denies what somebody else asked for, as it was seen. A denial also takes back what was approved.',
    params: IdParams,
    body: AccessRequestDecide,
    response: { 200: AccessRequest },
    audit: ['request.approved', 'request.denied'],
  },
  cancelRequest: {
    method: 'POST',
    path: '/requests/:id/cancellation',
    access: 'signed-in',
    summary: "Withdraws one's own request and ends what rests on it.",
    params: IdParams,
    response: { 200: AccessRequest },
    audit: ['request.cancelled'],
  },
});
