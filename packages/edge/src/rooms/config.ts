import { type Decoder, integer, type Listen, listen, object, text } from '@sotto/serve/config'

/** Configuration of the boards of clean rooms. */
export interface RoomsConfig {
  listen: Listen
  /** Folder of the database and of files. */
  store: string
  /** Digest of the genesis whose deployment these boards are for; openings for another are refused. */
  genesis: string
  /** JSON file of the owners that may open boards, looked at again at every write; absent or empty: nobody. */
  owners: string
  /** How long an unfinished file may rest before it is thrown away, in seconds. Default one day. */
  uploadRestSeconds: number
  /** How long a board may rest at which nobody writes, in seconds; then it goes with all it has. Default 90 days. */
  restSeconds: number
  /** Boards of one owner at a time. Default 64. */
  maxBoards: number
}

const HOUR = 3600
const DAY = 24 * HOUR

/** Decodes the configuration file of the boards. @throws `CONFIG_INVALID` */
export const roomsConfig: Decoder<RoomsConfig> = object((fields) => ({
  listen: fields.required('listen', listen),
  store: fields.required('store', text({ max: 4096 })),
  genesis: fields.required('genesis', text({ pattern: /^[0-9a-f]{64}$/ })),
  owners: fields.required('owners', text({ max: 4096 })),
  uploadRestSeconds: fields.optional('uploadRestSeconds', integer(60, 30 * DAY), DAY),
  restSeconds: fields.optional('restSeconds', integer(HOUR, 3650 * DAY), 90 * DAY),
  maxBoards: fields.optional('maxBoards', integer(1, 4096), 64),
}))
