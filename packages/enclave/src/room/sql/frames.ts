import { FrameReader as Reader } from '../process/frames.ts'
import { roomSqlError } from './errors.ts'

export { encodeMessage, encodePiece } from '../process/frames.ts'

/** Cuts what comes from the process of a query into frames. @throws `ROOM_SQL_CRASHED` */
export class FrameReader extends Reader {
  constructor() {
    super(malformed)
  }
}

/** What is thrown for what the protocol does not have. */
export function malformed(): Error {
  return roomSqlError('ROOM_SQL_CRASHED', 'the process sent something malformed')
}
