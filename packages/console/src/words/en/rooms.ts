import { roomContract } from './room-contract.ts'
import { roomRuns } from './room-runs.ts'
import { size } from './size.ts'

/** The page of clean rooms. */
export const rooms = {
  title: 'Rooms',
  lead: 'Several parties compute together on data that none of them shows to another.',
  size,
  join: {
    title: 'Join a room',
    note: 'An invitation opens what the members say to each other. It proves nobody’s name: for that, compare fingerprints by voice.',
    invitation: 'Invitation',
    invitationNote:
      'sotto-room: and 50 characters. It stays in the memory of this tab, and nowhere else. A reload ends that.',
    key: 'Your key',
    keyNote:
      'It signs what you agree to and opens what is sealed to you. A key file stays in the memory of this tab.',
    keyOfBrowser: 'The owner key of this browser',
    keyOfFile: 'A key file that you opened',
    openFile: 'Open a key file',
    useBrowser: 'Use the key of this browser',
    make: 'Make a key',
    noKey:
      'Open the file owner.key of the command sotto, or make a key. It is kept in this browser then, as on the page Models.',
    fingerprint: 'Fingerprint',
    name: 'Name in the room',
    nameNote: 'Lower-case letters, digits and - , at most 32. The others see it; a contract uses it.',
    badName: 'This is no name for a member.',
    go: 'Join',
    working: 'Joining …',
    another: 'Join another room',
    taken: (name: string) => `Somebody with another key is ${name} in this room already.`,
    takenHint: 'Choose another name, or ask the others who that is.',
    /** By what the service refuses with. */
    hints: {
      __proto__: null as never,
      API_ROUTE_NOT_FOUND:
        'This service has no rooms. Open the console of the service that the invitation is for.',
      BOARD_UNKNOWN:
        'This service has no such room. Ask whoever invited you which service it is at, or whether it still is.',
    } as Readonly<Record<string, string>>,
  },
  open: {
    title: 'Rooms in this tab',
    board: (board: string) => `Room ${board.slice(0, 8)}`,
    you: (name: string) => `You are ${name}`,
    yours: 'Your fingerprint',
    compare: 'Read it to the others over the telephone, or in person. Only you have the key that makes it.',
    forget: 'Forget here',
    forgetTitle: 'Forget this room in this tab',
    forgetNote:
      'What you signed stays signed. You need the invitation and your key to come back. Uploads and runs on their way end.',
    forgetWord: 'forget',
    refresh: 'Look again',
    looking: 'Reading the board …',
    looked: (time: string) => `As of ${time}`,
    software:
      'Software TEE: whoever runs the machine of this room can read what it computes on. Do not add data that are a secret.',
  },
  members: {
    title: 'Members',
    note: 'Names are what members say of themselves. A fingerprint that you heard from the person proves who has the key.',
    you: 'you',
    since: (time: string) => `joined ${time}`,
    conflict: (name: string) => `Two keys claim the name ${name}`,
    conflictNote:
      'One of them is not who the name says. Sign nothing before you have asked, by another way than this room, whose fingerprint is whose.',
    first: 'came first',
    second: 'came later',
    unreadable: (count: number) =>
      count === 1
        ? '1 message of this room cannot be read.'
        : `${count} messages of this room cannot be read.`,
    unproven: (count: number) =>
      count === 1
        ? '1 message proves nothing of what it says, and was left out.'
        : `${count} messages prove nothing of what they say, and were left out.`,
    tell: 'Whoever keeps the board, or a member, sent something else than this page takes.',
  },
  contracts: {
    ...roomContract,
  },
  data: {
    title: 'Data',
    of: (owner: string) => `of ${owner}`,
    yours: 'yours',
    none: 'Nothing was added yet.',
    stated: 'Content',
    version: (version: number, bytes: number, time: string) =>
      `version ${version}, ${size(bytes)} sealed, ${time}`,
    agreed: 'Content that was agreed on',
    accepts: {
      table: 'One table: .csv, .jsonl, .ndjson or .parquet, with the columns of the contract.',
      text: 'Texts: .txt, .md, .jsonl or .csv.',
      audio: 'Recordings, one file each: WAV, FLAC, Ogg, MP3, WebM or AIFF.',
      image: 'Pictures, one file each: PNG, JPEG or WebP.',
      model: 'The files of a model, with its manifest.json.',
      code: 'A module of WebAssembly, or an OCI image as a tar archive.',
    },
    choose: 'Choose files',
    chosen: (names: string, bytes: number) => `${names}: ${size(bytes)}`,
    seal: 'Seal and add',
    replace: 'Seal and add as the next version',
    forContract: 'Sealed in this page, for runs of this contract alone. Nobody but its rooms opens it.',
    phases: {
      sealing: (done: number, all: number) => `Sealing: ${size(done)} of ${size(all)}`,
      uploading: (done: number, all: number) => `Uploading: ${size(done)} of ${size(all)}`,
      stating: 'Key to the KMS, statement to the contract …',
      done: (version: number) => `Added: version ${version}.`,
      cancelled: 'Cancelled. The same files go on from where it stopped.',
    },
    notYet: 'Data can be added once you have accepted the contract.',
    admit: (key: string) => `Send your public key to whoever runs the service: ${key}`,
  },
  runs: roomRuns,
}
