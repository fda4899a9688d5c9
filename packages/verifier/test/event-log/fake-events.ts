import { utf8 } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import { EV, writeCcel, type WrittenEvent } from './ccel-writer.ts'

export const separator = (index: number): WrittenEvent => ({
  index,
  type: EV.separator,
  data: new Uint8Array(4),
})
export const events: WrittenEvent[] = [
  { index: 0, type: EV.noAction, data: utf8('StartupLocality') },
  { index: 1, type: EV.ipl, data: utf8('grub.cfg'), digest: new Uint8Array(48).fill(1) },
  separator(1),
  { index: 4, type: EV.action, data: utf8('Exit Boot Services Invocation') },
]
export const log = writeCcel(events)
const first = crypto.sha384(new Uint8Array(48), new Uint8Array(48).fill(1))
export const rtmr0 = crypto.sha384(first, crypto.sha384(new Uint8Array(4)))
export const rtmr3 = crypto.sha384(new Uint8Array(48), crypto.sha384(utf8('Exit Boot Services Invocation')))
export const zero = new Uint8Array(48)
