import { toHex } from '@sotto/protocol/bytes'
import { parseVerifierKey } from '@sotto/protocol/note'
import { type Decoder, httpUrl, integer, type Listen, list, listen, object, text } from '@sotto/serve/config'

/** One witness of a log. */
export interface WitnessTarget {
  /** Submission prefix; `/add-checkpoint` is appended. */
  url: string
  /** C2SP verifier key, cosignature/v1. */
  key: string
}

/** Configuration of a log. */
export interface LogConfig {
  /** First line of every checkpoint. */
  origin: string
  /** Name of the log's key in signature lines. Default: the origin, as C2SP tlog-checkpoint advises. */
  name: string
  listen: Listen
  /** Directory that holds the tree, the key (`log.key`) and, when not given by environment, the append token (`append.token`). */
  store: string
  witnesses: WitnessTarget[]
  /** Cosignatures a checkpoint needs before anybody sees it. */
  quorum: number
  /** A checkpoint is cosigned again after this long at the latest. Default 300. */
  refreshSeconds: number
  /** Wait for more entries after the first, in milliseconds. Default 20. */
  batchMs: number
  /** Longest an append waits for its witnessed checkpoint, in milliseconds. Default 15000. */
  appendWaitMs: number
}

/** C2SP tlog-checkpoint: neither Unicode spaces nor plus. */
const ORIGIN = /^[A-Za-z0-9][A-Za-z0-9._/-]{0,127}$/

/** Decodes the log's configuration file. */
export const logConfig: Decoder<LogConfig> = (value, path) => {
  const config = fields(value, path)
  integer(1, config.witnesses.length)(config.quorum, `${path}.quorum`)
  // One key under two names would be one witness counted twice.
  const keys = new Set(config.witnesses.map((witness) => toHex(parseVerifierKey(witness.key).publicKey)))
  integer(keys.size, keys.size)(config.witnesses.length, `${path}.witnesses (distinct keys)`)
  return config
}

const fields: Decoder<LogConfig> = object((of) => {
  const origin = of.required('origin', text({ pattern: ORIGIN }))
  return {
    origin,
    name: of.optional('name', text({ pattern: ORIGIN }), origin),
    listen: of.required('listen', listen),
    store: of.required('store', text({ max: 4096 })),
    witnesses: of.required(
      'witnesses',
      list(
        object((witness) => ({
          url: witness.required('url', httpUrl),
          key: witness.required('key', text({ max: 512 })),
        })),
        1,
        16,
      ),
    ),
    quorum: of.required('quorum', integer(1, 16)),
    refreshSeconds: of.optional('refreshSeconds', integer(1, 3600), 300),
    batchMs: of.optional('batchMs', integer(0, 10_000), 20),
    appendWaitMs: of.optional('appendWaitMs', integer(10, 300_000), 15_000),
  }
})
