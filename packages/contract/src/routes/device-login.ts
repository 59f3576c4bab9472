import {
  DeviceCodes,
  DeviceDecision,
  DeviceLoginFacts,
  DevicePoll,
  DevicePolled,
  UserCodeGiven,
} from '../models/device-login.ts';
import { routes } from '../route.ts';
import { Nothing } from '../schema.ts';

/** The OAuth 2.0 device authorization grant (RFC 8628) of our own command line. */
export const deviceLoginRoutes = routes({
  askDeviceLogin: {
    method: 'POST',
    path: '/device-logins',
    access: 'public',
    summary: 'Begins to sign in a program without a browser: a code for it, and one for the person to type in theirs.',
    response: { 201: DeviceCodes },
    audit: ['device-login.asked'],
  },
  pollDeviceLogin: {
    method: 'POST',
    path: '/device-logins/poll',
    access: 'public',
    summary: 'Asks whether the person has approved, and then signs in, once; a new cookie replaces any other.',
    body: DevicePoll,
    response: { 200: DevicePolled },
    audit: ['device-login.redeemed', 'login.succeeded'],
  },
  checkDeviceLogin: {
    method: 'POST',
    path: '/device-logins/check',
    access: 'signed-in',
    summary: 'Says who asks to be signed in under a code that the person typed.',
    body: UserCodeGiven,
    response: { 200: DeviceLoginFacts },
  },
  decideDeviceLogin: {
    method: 'POST',
    path: '/device-logins/decision',
    access: 'signed-in',
    summary: 'Approves or denies it; approving asks for a recent proof and signs that program in as oneself.',
    body: DeviceDecision,
    response: { 204: Nothing },
    audit: ['device-login.approved', 'device-login.denied'],
  },
});
