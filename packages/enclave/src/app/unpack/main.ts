/**
 * Unpacks the archive that descriptor 4 has into the folder it is told. A program of its own, without any privilege, in the
 * capsule of the app: what it writes into is memory that nobody sees from outside.
 */
import { MAX_CODE_BYTES, MAX_FILES } from '../limits.ts'
import { readWhole } from '../read-at.ts'
import { ARCHIVE_DESCRIPTOR } from '../../sandbox/descriptors.ts'
import { unpack } from './unpack.ts'

const [, , folder = ''] = process.argv
unpack(readWhole(ARCHIVE_DESCRIPTOR), folder, { maxFiles: MAX_FILES, maxBytes: MAX_CODE_BYTES })
