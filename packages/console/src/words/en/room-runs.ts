import type { RunState } from '@sotto/protocol/room'
import { countOf, type Privacy, privacyOf } from './amounts.ts'
import { roomTrainings } from './room-training.ts'
import { size } from './size.ts'

const number = new Intl.NumberFormat('en')

/** `offered` is told by what it waits for. */
const STAGES: Readonly<
  Record<'consents' | 'ready' | 'expired' | 'decided' | Exclude<RunState, 'offered'>, string>
> = {
  consents: 'Waits for consent',
  ready: 'Every owner has consented',
  expired: 'The time of this offer is over',
  running: 'Running',
  waiting: 'Waits for review',
  decided: 'Every reviewer has decided',
  done: 'Done',
  failed: 'Failed',
  cancelled: 'Cancelled',
}

/** Runs of a contract. */
export const roomRuns = {
  title: 'Runs',
  empty: 'Nobody has asked for a run of this contract.',
  stages: STAGES,
  reported: 'Done, says a member',
  verified: 'Done, every statement verified',
  refusedHere: 'Refused by this page',
  asked: (by: string, time: string) => `asked for by ${by}, so it says, ${time}`,
  until: (time: string) => `may begin until ${time}`,
  arguments: 'With',
  consented: 'has consented',
  awaited: 'not yet',
  declined: (party: string, reason: string | undefined) =>
    `${party} does not consent, says somebody of the room${reason === undefined ? '.' : `: ${reason}`}`,
  ask: {
    open: 'Ask for a run',
    lead: 'The room makes an offer, which this page verifies before anything is signed. What it costs is charged when keys are released, whatever comes of it.',
    transform: 'Computation',
    template: 'Query',
    note: 'A note for the others',
    noteHint: 'Optional, one line.',
    choose: 'Choose …',
    yes: 'true',
    no: 'false',
    bounds: (min: number | undefined, max: number | undefined) => `${min ?? ''} to ${max ?? ''}`,
    consents: 'Asking is your consent: you own an input of it.',
    go: 'Verify the room and ask',
    working: 'Asking the room, and verifying what it shows …',
    missingData: (names: string) => `Not yet: the data of ${names} are missing.`,
    nothing: 'Nothing of this contract has an output.',
  },
  check: {
    open: 'Check room and run',
    again: 'Check again',
    working: 'Verifying the evidence of the room …',
    lead: 'Before you consent, this page verifies the room and what it offers. Nothing is sent for that.',
    passed: (passed: number) => `The room passed: ${countOf(passed, 'step')}, in this browser.`,
    software:
      'The steps passed for a software TEE: no hardware stands behind them. Whoever runs that machine can read your data.',
    refused: 'The room of this run does not pass. Nothing was sent, and nothing was signed.',
    steps: 'What was verified',
    room: 'Room',
    roomOf: (tuple: string, hardware: string) => `${tuple} on ${hardware}`,
    image: 'Image',
    computes: 'What is computed',
    reads: 'Reads',
    readsSame: (version: number, owner: string) => `version ${version} of ${owner}`,
    readsOther: (owner: string) => `NOT what ${owner} states now`,
    gives: 'Gives',
    costs: 'Costs',
    cost: (input: string, transform: string, privacy: Privacy) =>
      `${input} for ${transform}: ${['1 run', privacyOf(privacy)].filter(Boolean).join(' and ')}`,
    left: (runs: number, privacy: Privacy) =>
      `${[countOf(runs, 'run'), privacyOf(privacy)].filter(Boolean).join(' and ')} left before it`,
  },
  consent: 'Consent to this run',
  consenting: 'Verifying once more, and signing …',
  decline: 'Decline',
  reason: 'A reason for the others (optional)',
  youConsented: 'You have consented.',
  begin: 'Begin',
  beginning: 'Verifying, and beginning …',
  beginLead: 'Every owner has consented. The KMS releases keys to this room once, and charges the budgets.',
  progress: (transform: string, done: number, of: number) =>
    `${transform}: ${number.format(done)} of ${number.format(of)}`,
  working: 'The room computes …',
  training: roomTrainings,
  cancel: 'Cancel the run',
  cancelled: 'It was ended before it was done. What was charged stays charged.',
  failed: 'Nothing left the room. What was charged stays charged.',
  rule: 'Rule',
  code: 'Code',
  review: {
    lead: 'An owner looks at the result before it leaves.',
    open: 'Open the result',
    opening: 'Opening …',
    note: 'Sealed to you for this decision. Nobody else has it yet.',
    release: 'Release',
    refuse: 'Refuse',
    working: 'Signing …',
    said: { release: 'releases it', refuse: 'refuses it' },
    waits: 'has not decided',
    finish: 'Bring the decisions to the room',
    finishing: 'Bringing them …',
  },
  outputs: {
    open: 'Verify and open outputs',
    opening: 'Verifying every statement, and opening …',
    none: 'Nothing of this run is for you.',
    download: (name: string, bytes: number) => `Save ${name}, ${size(bytes)}`,
    proof: 'Save the proof',
    proofNote: 'It proves the whole run later, without a network: sotto room audit FILE. It holds no data.',
    preparing: 'Collecting the proof …',
    rows: (shown: number, all: number) =>
      shown === all ? countOf(all, 'row') : `the first ${shown} of ${countOf(all, 'row')}`,
    items: (shown: number, all: number) =>
      shown === all ? countOf(all, 'item') : `the first ${shown} of ${countOf(all, 'item')}`,
    cut: 'Only its beginning is shown.',
    binary: (bytes: number) => `${size(bytes)} that are no text.`,
    item: (item: string) => `Item ${item}`,
    emptyText: 'It is empty.',
    digest: 'Digest',
  },
}
