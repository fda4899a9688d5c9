import { constructed, DerReader, primitive, TAG } from '@sotto/protocol/der'
import type { Certificate } from '@sotto/protocol/x509'

/** Composite device id of Hopper and LS10: version, public key below it, FWID (TCG "Hardware Requirements for DICE"). */
export const COMPOSITE_DEVICE_ID = '2.23.133.5.4.1'
/** tcg-dice-TcbInfo of Blackwell: TCG "DICE Attestation Architecture" 1.1, Section 6.1.1. */
export const DICE_TCB_INFO = '2.23.133.5.4.1.1'

const SHA384 = '2.16.840.1.101.3.4.2.2'
/** Names in the subjectAltName: DMTF's SPDM device information, `NVIDIA:GH100:48B02D7A7CD27FC3` (DSP0274 Section 10.6.1). */
const SUBJECT_ALT_NAME = '2.5.29.17'
const SPDM_DEVICE_INFO = '1.3.6.1.4.1.412.274.1'

/** OperationalFlags: bit 3 of the standard says that the device is in debug mode. */
const DEBUG = 0x80 >> 3

/** What NVIDIA certifies about the firmware that holds the signing key. */
export interface DiceIdentity {
  extension: typeof COMPOSITE_DEVICE_ID | typeof DICE_TCB_INFO
  /** SHA-384 of the firmware, the first where there are several. */
  fwid: Uint8Array
  isDebug: boolean
}

/**
 * DICE extension of a leaf certificate; undefined where it has none.
 *
 * @throws `X509_MALFORMED` (fix-input)
 */
export function parseDiceIdentity({ extensions }: Certificate): DiceIdentity | undefined {
  const tcbInfo = extensions.get(DICE_TCB_INFO)
  if (tcbInfo) return { extension: DICE_TCB_INFO, ...readTcbInfo(new DerReader(tcbInfo.value)) }
  const composite = extensions.get(COMPOSITE_DEVICE_ID)
  if (!composite) return undefined
  const reader = new DerReader(composite.value)
  const sequence = reader.enter(TAG.SEQUENCE)
  reader.end()
  sequence.smallInteger()
  sequence.element(TAG.SEQUENCE)
  const fwid = readFwid(sequence)
  sequence.end()
  return { extension: COMPOSITE_DEVICE_ID, fwid: fwid ?? NONE, isDebug: false }
}

const NONE = new Uint8Array(0)

/** Optional members `[0]` to `[9]`, of which `[6]` lists FWIDs and `[7]` has the flags. */
function readTcbInfo(reader: DerReader): Pick<DiceIdentity, 'fwid' | 'isDebug'> {
  const sequence = reader.enter(TAG.SEQUENCE)
  reader.end()
  let fwid: Uint8Array | undefined
  let isDebug = false
  while (!sequence.atEnd) {
    const tag = sequence.nextTag
    if (tag === constructed(6)) {
      const list = sequence.enter(tag)
      fwid ??= readFwid(list)
      while (!list.atEnd) readFwid(list)
    } else if (tag === primitive(7)) isDebug = ((sequence.take(tag)[1] ?? 0) & DEBUG) !== 0
    else sequence.element()
  }
  return { fwid: fwid ?? NONE, isDebug }
}

/** FWID ::= SEQUENCE { hashAlg, digest }; one of another algorithm never equals that of a report. */
function readFwid(reader: DerReader): Uint8Array {
  const sequence = reader.enter(TAG.SEQUENCE)
  const algorithm = sequence.oid()
  const digest = sequence.octetString()
  sequence.end()
  return algorithm === SHA384 ? digest : NONE
}

/** Name that NVIDIA certifies for this one device, `NVIDIA:GH100:48B02D7A7CD27FC3`. @throws `X509_MALFORMED` */
export function deviceName({ extensions }: Certificate): string | undefined {
  const extension = extensions.get(SUBJECT_ALT_NAME)
  if (!extension) return undefined
  const names = new DerReader(extension.value).enter(TAG.SEQUENCE)
  while (!names.atEnd) {
    if (names.nextTag !== constructed(0)) {
      names.element()
      continue
    }
    const other = names.enter(constructed(0))
    if (other.oid() !== SPDM_DEVICE_INFO) continue
    const text = other.enter(constructed(0)).take(TAG.UTF8_STRING)
    const name = String.fromCharCode(...text.subarray(0, MAX_NAME))
    return /^[\x21-\x7e]+$/.test(name) && text.length <= MAX_NAME ? name : undefined
  }
  return undefined
}

const MAX_NAME = 64
