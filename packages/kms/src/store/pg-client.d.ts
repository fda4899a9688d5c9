/** The JavaScript client alone: the package's main module also looks for its native binding. */
declare module 'pg/lib/client' {
  import { Client } from 'pg'
  export default Client
}
