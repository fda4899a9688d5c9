import type { ConsentKind, ContractPhase, InputKind, Left, SqlParameter, Use } from '@sotto/protocol/contract'
import { countOf, epsilonOf, type Privacy, privacyOf } from './amounts.ts'
import { roomTraining } from './room-training.ts'
import { size } from './size.ts'

const number = new Intl.NumberFormat('en')

const PHASES: Readonly<Record<ContractPhase | 'unsigned' | 'stranger' | 'unknown', string>> = {
  unknown: 'Asking the KMS …',
  stranger: 'You are no party of it',
  unsigned: 'Proposed: nobody has signed',
  proposed: 'Proposed: not everybody has signed',
  accepted: 'Accepted by every party',
  running: 'In force, runs have begun',
  closed: 'Closed: nothing runs any more',
}

/** What a contract says, and what one does with it. */
export const roomContract = {
  title: 'Contracts',
  empty: 'Nobody has proposed a contract in this room.',
  emptyNote:
    'A contract says whose data are read, by which computations, in which room, and who receives what. It is written and proposed with sotto room propose; it shows here at once.',
  newest: (count: number) => `Only the newest ${count} are shown.`,
  phases: PHASES,
  digest: 'Contract',
  proposed: (time: string) => `proposed ${time}`,
  terms: 'What it says',
  picture: 'As a picture',
  pictureAlt: (title: string) =>
    `Picture of the contract ${title}: what reads what, and who receives it. The list below says the same.`,
  valid: 'Valid',
  validity: (from: string, until: string) => `${from} until ${until}`,
  genesis: 'For the KMS',
  logging: 'In the log',
  loggingSays: { true: 'events of the contract, without content', false: 'nothing' },
  telemetry: 'In metrics',
  telemetrySays: { true: 'counts of runs', false: 'nothing' },
  parties: 'Parties',
  party: {
    you: 'you',
    signed: 'has signed',
    unsigned: 'has not signed',
    closed: 'has closed it',
    member: 'the member of that name',
    absent: 'no such member has joined',
    other: 'NOT the key of the member of that name',
  },
  inputs: 'Inputs',
  kinds: {
    table: 'a table',
    text: 'texts',
    audio: 'recordings',
    image: 'pictures',
    model: 'a model',
    code: 'code',
  } satisfies Record<InputKind, string>,
  inputOf: (kind: string, owner: string) => `${kind} of ${owner}`,
  columns: 'Columns',
  content: 'Content',
  contentOpen: 'whatever its owner adds; each run names it',
  rules: 'Rules',
  rule: {
    receivers: (names: string) => `what comes of it goes to ${names}, and to nobody else`,
    nobody: 'nobody',
    forbidden: (names: string) => `never shown: ${names}`,
    contributors: (count: number, column: string) =>
      `only figures over at least ${number.format(count)} different ${column}`,
    contributor: (column: string) => `who contributes is told by the column ${column}`,
    noisy: 'only results with noise',
    words: (count: number) => `an output repeats at most ${countOf(count, 'word')} in a row`,
    review: (owner: string) => `${owner} looks at each output before it leaves`,
  },
  budget: 'Budget',
  use: ({ transform, runs, ...privacy }: Use) =>
    `${transform}: ${countOf(runs, 'run')}${amountOf(privacy, ', ', ' in all')}`,
  left: ({ runs, ...privacy }: Pick<Left, 'runs'> & Privacy, of: number) =>
    `${number.format(of - runs)} of ${countOf(of, 'run')} used${amountOf(privacy, ', ', ' left')}`,
  transforms: 'Computations',
  reads: (names: string) => `reads ${names}`,
  room: 'In a room of the image',
  query: (name: string) => `Query ${name}`,
  parameter: ({ name, type, min, max, oneOf }: SqlParameter) =>
    `$${name}: ${type}${min === undefined && max === undefined ? '' : `, ${min ?? ''} to ${max ?? ''}`}${oneOf === undefined ? '' : `, one of ${oneOf.join(', ')}`}`,
  noParameters: 'no parameters',
  joins: (keys: string) => (keys === '' ? 'no joins between owners' : `joins between owners on ${keys} only`),
  noise: (epsilon: number, rows: number, min: number, max: number) =>
    `noise: epsilon ${epsilonOf(epsilon)} a run; at most ${countOf(rows, 'row')} of a contributor; values clipped to ${min} … ${max}`,
  maxRows: (rows: number) => `at most ${countOf(rows, 'row')}`,
  infer: {
    summarise: 'summarises every item with the model',
    transcribe: 'transcribes every item with the model',
    classify: 'sorts every item by labels with the model',
    embed: 'turns every item into numbers with the model',
  },
  model: 'Model manifest',
  prompt: 'Prompt',
  labels: 'Labels',
  settings: 'Settings',
  defaults: 'the model’s own',
  wasm: (module: string) => `runs the WebAssembly module ${module}`,
  container: (image: string) => `runs the container ${image}, without a network`,
  manifest: 'Image manifest',
  command: 'Command',
  environment: 'Environment',
  limits: (bytes: number, seconds: number) =>
    `at most ${size(bytes)} of memory, ${countOf(seconds, 'second')}`,
  fuel: (millions: number) => `at most ${number.format(millions)} million instructions`,
  outputs: 'Outputs',
  /** @param part of a training; undefined: all that comes of it */
  output: (from: string, part: string | undefined, bytes: number, receivers: string) =>
    `${part === undefined ? `from ${from}` : `${part} of ${from}`}, at most ${size(bytes)}, sealed to ${receivers}`,
  training: roomTraining,
  accept: {
    open: 'Accept …',
    title: 'Sign this contract',
    lead: 'Your signature is for good. With the signatures of all parties you are bound by this:',
    bound: {
      nothing: 'You bring no data.',
      brings: (input: string, kind: string) => `You bring ${input}, ${kind}.`,
      runs: (input: string, { transform, runs, ...privacy }: Use) =>
        `${transform} may read ${input} ${number.format(runs)} ${runs === 1 ? 'time' : 'times'}${amountOf(privacy, ', ', ' in all')}, each time only if you consent.`,
      goes: (input: string, names: string) => `What comes of ${input} may go to ${names}.`,
      receives: (output: string, part: string | undefined) =>
        `You receive ${output}${part === undefined ? '' : `, ${part}`}.`,
      until: (time: string) =>
        `It holds until ${time}. You can take your consent to runs back at any time, for all later runs.`,
      logged: 'Events of the contract go into the public log, without content.',
      counted: 'Runs are counted in metrics.',
    },
    check: 'I have read what it says, and compared the fingerprints.',
    sign: (name: string) => `Sign for ${name}`,
    working: 'Signing …',
    refused: 'It cannot be signed here:',
    notParty: 'no party of this contract has your key.',
    otherSealing: 'it would seal what is yours to a key that is not yours.',
    absent: (name: string) => `${name} has not joined this room, so nobody can compare that key.`,
    other: (name: string) => `${name} of this contract has other keys than the member of that name.`,
    conflict: (name: string) => `two keys claim the name ${name} in this room.`,
    done: 'You have signed.',
  },
  end: {
    title: 'Take back or end',
    note: 'This is final: for anything else, a new contract is needed. What has left a room already stays where it is.',
    withdraw: {
      execution: 'Take back consent to runs',
      logging: 'Take back consent to the log',
      telemetry: 'Take back consent to metrics',
    } satisfies Record<ConsentKind, string>,
    withdrawNote: {
      execution: 'No run of this contract gets a key any more, for any party.',
      logging: 'Later events of this contract do not go into the log.',
      telemetry: 'Later runs are not counted.',
    } satisfies Record<ConsentKind, string>,
    withdrawWord: 'withdraw',
    withdrawn: (party: string, consent: ConsentKind) =>
      `${party} took back its consent to ${{ execution: 'runs', logging: 'the log', telemetry: 'metrics' }[consent]}.`,
    close: 'Close for me',
    closeNote: 'It is closed when every party has closed it, or its time is over.',
    closeWord: 'close',
    working: 'Sending …',
  },
}

/** What is spent, or left, of privacy, where something is. */
function amountOf(privacy: Privacy, before: string, after: string): string {
  const said = privacyOf(privacy)
  return said === undefined ? '' : `${before}${said}${after}`
}
