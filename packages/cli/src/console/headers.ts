import { contentSecurityPolicy } from './content-security-policy.ts'

/** What the pages never use. The microphone is for recordings that somebody makes on purpose. */
const UNUSED = ['camera', 'display-capture', 'geolocation', 'payment', 'usb', 'serial', 'hid', 'bluetooth']

/** Headers besides the policy that every answer has, by name, with the value that a host has to send. */
export const STRICT_HEADERS: Readonly<Record<string, string>> = {
  __proto__: null as never,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': ['microphone=(self)', ...UNUSED.map((name) => `${name}=()`)].join(', '),
}

/** All headers that keep a page to itself and to one relay. */
export function pageHeaders(relay: string): Record<string, string> {
  return { 'content-security-policy': contentSecurityPolicy(relay), ...STRICT_HEADERS }
}

const TYPES: Readonly<Record<string, string>> = {
  __proto__: null as never,
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml',
  json: 'application/json',
}

/** Media type by the end of a name. Nothing is guessed from content. */
export function mediaType(name: string): string {
  return TYPES[name.slice(name.lastIndexOf('.') + 1)] ?? 'text/plain; charset=utf-8'
}
