import { size } from './size.ts'

const number = new Intl.NumberFormat('en')

const TASKS: Readonly<Record<string, string>> = {
  __proto__: null as never,
  transcription: 'speech to text',
  translation: 'speech to English',
  'text-generation': 'chat and text',
  summarization: 'summaries',
  embedding: 'vectors of texts',
  tensors: 'any numbers, by tensor',
}

/** The page of models. */
export const models = {
  title: 'Models',
  lead: 'What this service computes with, and models of your own that nobody but the enclave opens.',
  size,
  task: (task: string) => TASKS[task] ?? task,
  offered: {
    title: 'Offered to everybody',
    note: 'Receipts name the digest of the model that answered.',
    empty: 'This service serves no model to everybody.',
    loading: 'Asking the service …',
    task: 'For',
    digest: 'Digest',
    loaded: 'Loaded since',
    context: 'Context',
    tokens: (count: number) => `${number.format(count)} tokens, question and answer together`,
    runsIn: 'Runs in',
    places: {
      enclave: 'a process of the enclave',
      server: 'a model server beside the enclave, in the same machine',
    },
    alias: 'Another name of',
    unstated: 'not stated',
  },
  owner: {
    title: 'You as an owner',
    lead: 'An owner is a key. It signs what is said about your models, and all their content keys come from it.',
    none: 'This browser has no owner key yet.',
    create: 'Make a key',
    take: 'Use a key that I have',
    takeNote:
      'The file owner.key of the command sotto is one (sotto models owner says where it lies), and so is a copy that you saved here.',
    tag: 'Your models are called',
    name: (tag: string) => `${tag}/name`,
    key: 'Public key',
    keyNote: 'Whoever runs the service has to admit it. It is no secret.',
    kept: 'The private half is kept in this browser, encrypted under a key that no page can read out. Whoever uses this browser profile can act as you.',
    save: 'Save a copy',
    copy: 'Copy the public key',
    saved:
      'Save a copy and keep it where nobody else reads it. Without the key nobody can replace or remove your models.',
    forget: 'Forget the key',
    forgetNote:
      'Your models stay where they are. Without a copy of the key you can never replace or remove them.',
    forgetWord: 'forget',
  },
  own: {
    title: 'Your sealed models',
    empty: 'You have published no model here.',
    emptyNote:
      'A model that you upload is sealed in this page first. The service keeps bytes that it cannot read.',
    loading: 'Asking the registry …',
    total: (models: number, bytes: number) =>
      `${models === 1 ? '1 version' : `${number.format(models)} versions`}, ${size(bytes)} sealed. How much you may keep is for the operator to say; what is above that is refused.`,
    version: (version: number) => `version ${version}`,
    task: 'For',
    sealed: 'Sealed',
    digest: 'Digest',
    policy: 'Key policy',
    state: 'State',
    states: {
      pinned: 'pinned: the operator keeps it loaded',
      onDemand: 'on demand: loaded when somebody asks for it, put away when nobody does',
    },
    published: 'Published',
    expires: 'Ends',
    log: 'Log entry',
    use: 'Ask for it as',
    remove: 'Delete',
    removeTitle: (id: string) => `Delete ${id}`,
    removeNote:
      'Nobody is served it again, and the KMS destroys its content keys, for good. It signs that it did, and the deletion goes into the log.',
    removed: (id: string, keys: number) =>
      `${id} is deleted. ${keys === 1 ? '1 content key is' : `${keys} content keys are`} destroyed; the KMS signed that.`,
  },
  confirm: {
    type: (word: string) => `Type ${word} to confirm`,
    go: 'Yes, for good',
  },
  upload: {
    title: 'Upload a model',
    lead: 'It is sealed in this page, piece by piece, and only then leaves this device.',
    choose: 'Choose files',
    drop: 'One .gguf or .onnx file with what belongs to it, or several files with a manifest.json that names them. Drop them here, or choose them.',
    files: (count: number, bytes: number) => `${count === 1 ? '1 file' : `${count} files`}, ${size(bytes)}`,
    name: 'Name',
    nameNote: 'Lower-case letters, digits and . _ - , at most 63.',
    policyTitle: 'Who can open it',
    policy: [
      'Only an enclave that satisfies the key policy in force, which this page has just checked: its program is a published release, its configuration and hardware are the ones accepted, and all of it stands in the log.',
      'The content key leaves this page only encrypted to the key in the checked evidence of the KMS. Neither relay, registry nor operator has it.',
      'When the members accept another policy, for a new release say, the model stays closed until you upload it again.',
      'A policy of your own besides: sotto models push --release-policy.',
    ],
    software:
      'This is a software TEE: whoever runs that machine can read the model. Do not upload weights that are a secret.',
    visible:
      'Everybody who reads the log sees its size, name, task, digests and times. The content nobody sees.',
    start: 'Seal and upload',
    phases: {
      reading: 'Reading the files …',
      sealing: (bytes: number, all: number) => `Sealing: ${size(bytes)} of ${size(all)}`,
      uploading: (bytes: number, all: number) => `Uploading: ${size(bytes)} of ${size(all)}`,
      publishing: 'Publishing: key to the KMS, statement to the log …',
      done: (id: string) => `${id} is published.`,
      cancelled:
        'Cancelled. What the service has of it stays there for a day; the same files go on from there.',
      waiting:
        'It did not get through. In half a minute it is tried again; what the service has of the model stays there.',
    },
    goOn: 'Go on',
    again: 'Upload another',
    unfinished: (name: string, files: string) =>
      `The upload of ${name} was not finished. Choose the same again (${files}): it goes on where it stopped.`,
    dismiss: 'Forget it',
    refused: {
      none: 'Choose one .gguf or .onnx file, or files with a manifest.json.',
      many: (most: number) => `At most ${most} files.`,
      empty: (name: string) => `${name} is empty.`,
      name: 'This is no name for a model.',
      sealed: 'A file that is sealed already is pushed with sotto models push.',
    },
    admit: (key: string) => `Send your public key to whoever runs the service: ${key}`,
  },
}
