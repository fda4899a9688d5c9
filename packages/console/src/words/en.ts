import { assistant } from './en/assistant.ts'
import { models } from './en/models.ts'
import { receipts } from './en/receipts.ts'
import { rooms } from './en/rooms.ts'
import { summarise } from './en/summarise.ts'
import { training } from './en/training.ts'
import { transcribe } from './en/transcribe.ts'
import { trust } from './en/trust.ts'

/** English. A sentence that needs a value is a function. */
export const en = {
  brand: 'Sotto',
  unable: (feature: string) =>
    feature === 'HTTPS'
      ? 'This page came over a connection that anybody can change. Open it over HTTPS, or run sotto console on this machine. Nothing was sent.'
      : `This browser is too old for the check: it lacks ${feature}. Chrome 123, Firefox 125 or Safari 17.5 can do it. Nothing was sent.`,
  skip: 'Skip to the content',
  menu: 'Pages',
  pages: {
    assistant: 'Assistant',
    transcribe: 'Transcribe',
    summarise: 'Summarise',
    models: 'Models',
    trust: 'Trust',
    receipts: 'Receipts',
    rooms: 'Rooms',
    training: 'Training',
  },
  shield: {
    verifying: 'Checking',
    verified: 'Verified',
    software: 'Verified, software TEE',
    refused: 'Refused',
    unreachable: 'Not verified',
    open: 'Show what was checked',
  },
  theme: {
    auto: 'Colours of the device',
    light: 'Light colours',
    dark: 'Dark colours',
  },
  banner: {
    label: 'Notices',
    software:
      'Software TEE: the check below rests on a program, not on hardware. Whoever runs that machine can read everything.',
    served: (host: string) =>
      `This page comes from ${host}, and so does what it says about itself. Run sotto console to have it from your own machine.`,
    forgetful:
      'This browser keeps nothing for this page: its storage is full or closed. Receipts and conversations end with the page; export what you want to have later.',
    offline: 'This device is offline. Nothing is sent; what you typed stays.',
  },
  gate: {
    verifying: 'Nothing is sent before every required step has passed.',
    refused: 'The service was refused. Nothing is sent, and there is no way around it.',
    unreachable: 'The service cannot be checked now, so nothing is sent. What you typed stays here.',
    why: 'See why',
    again: 'Check again',
  },
  common: {
    loading: 'Loading',
    cancel: 'Cancel',
    copy: 'Copy',
    copied: 'Copied',
    download: 'Download',
    remove: 'Remove',
    retry: 'Try again',
    erase: 'Erase all',
    sure: 'Erase? This cannot be undone.',
    expected: 'Expected',
    found: 'Found',
    close: 'Close',
  },
  trouble: {
    pageLost:
      'This page could not be loaded. Open it again when you are online; a reload loses what was not sent yet.',
    full: 'The storage of this browser is full. Export and erase something; nothing was lost on this page.',
    keep: 'This browser keeps nothing for this page (a private window does that). Export what you want to have later.',
    cut: 'The answer was cut before its end.',
    ownerKey: 'The owner key that this browser keeps is damaged.',
  },
  /** Of `console.json`, which whoever serves the page wrote. */
  config: {
    unread: (status: number) => `console.json cannot be read: status ${status}.`,
    long: 'console.json is too long.',
    malformed: 'console.json is no JSON.',
    incomplete: 'console.json names no relay and policy.',
  },
  training,
  assistant,
  transcribe,
  summarise,
  models,
  trust,
  receipts,
  rooms,
}
