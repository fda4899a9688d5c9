/** What is kept in this browser, and nowhere else. */
export type Table = 'conversations' | 'receipts' | 'bundles' | 'values' | 'transcripts' | 'recordings'

const NAME = 'sotto-console'
const VERSION = 3
const TABLES: readonly Table[] = [
  'conversations',
  'receipts',
  'bundles',
  'values',
  'transcripts',
  'recordings',
]

/** Something could not be kept: the reader has to know, for it is nowhere else. */
export class KeepError extends Error {
  readonly isFull: boolean

  constructor(cause: unknown) {
    const isFull = cause instanceof DOMException && cause.name === 'QuotaExceededError'
    // Never shown: `troubleOf` says it in the words of the page.
    super(isFull ? 'full' : 'unkept', { cause })
    this.isFull = isFull
  }
}

/** Why something is not kept: the storage is full, or this browser keeps nothing for the page. */
export function whyUnkept(error: unknown): 'full' | 'keep' {
  return error instanceof KeepError && error.isFull ? 'full' : 'keep'
}

let opening: Promise<IDBDatabase> | undefined

function database(): Promise<IDBDatabase> {
  opening ??= new Promise<IDBDatabase>((resolve, reject) => {
    const request = indexedDB.open(NAME, VERSION)
    request.onupgradeneeded = () => {
      for (const table of TABLES)
        if (!request.result.objectStoreNames.contains(table)) request.result.createObjectStore(table)
    }
    request.onsuccess = () => {
      // Another tab with a newer version of the page must not wait for this one.
      request.result.onversionchange = () => {
        request.result.close()
        opening = undefined
      }
      // The browser itself has closed it, when the data of the site was cleared for example.
      request.result.onclose = () => (opening = undefined)
      resolve(request.result)
    }
    request.onerror = () => reject(new KeepError(request.error))
    request.onblocked = () => reject(new KeepError(new Error('blocked')))
  }).catch((error: unknown) => {
    opening = undefined
    throw error instanceof KeepError ? error : new KeepError(error)
  })
  return opening
}

/** Opens the database before anything is asked of it. Whoever asks is told what is against it. */
export function openSoon(): void {
  void database().catch(() => {})
}

/** One table. Every write is durable once it resolves. */
export interface Kept<T> {
  get(key: string): Promise<T | undefined>
  put(key: string, value: T): Promise<void>
  /**
   * Reads and writes as one: no other tab comes between.
   * @param work is given what is kept, and answers what shall be kept instead; undefined changes nothing
   * @returns what `work` answered
   */
  change(key: string, work: (kept: T | undefined) => T | undefined): Promise<T | undefined>
  /** Oldest key first. */
  all(): Promise<T[]>
  /** The same keys without their values. */
  keys(): Promise<string[]>
  remove(key: string): Promise<void>
  clear(): Promise<void>
}

/** @throws {@link KeepError} from every method */
export function open<T>(table: Table): Kept<T> {
  async function run<R>(
    mode: IDBTransactionMode,
    work: (store: IDBObjectStore) => IDBRequest<R>,
  ): Promise<R> {
    const db = await database()
    return new Promise<R>((resolve, reject) => {
      const transaction = db.transaction(table, mode, { durability: 'strict' })
      const request = work(transaction.objectStore(table))
      transaction.oncomplete = () => resolve(request.result)
      transaction.onabort = () => reject(new KeepError(transaction.error ?? request.error))
      transaction.onerror = () => reject(new KeepError(transaction.error ?? request.error))
    }).catch((error: unknown) => {
      // What the browser refuses at once.
      throw error instanceof KeepError ? error : new KeepError(error)
    })
  }
  async function change(key: string, work: (kept: T | undefined) => T | undefined): Promise<T | undefined> {
    let next: T | undefined
    let refusal: unknown
    const changing = run('readwrite', (store) => {
      const reading = store.get(key) as IDBRequest<T | undefined>
      reading.onsuccess = () => {
        try {
          next = work(reading.result)
          if (next !== undefined) store.put(next, key)
        } catch (error) {
          // By itself the transaction would only say that it was aborted.
          refusal = error
          store.transaction.abort()
        }
      }
      return reading
    })
    await changing.catch((error: unknown) => {
      throw refusal === undefined ? error : new KeepError(refusal)
    })
    return next
  }
  return {
    change,
    get: (key) => run<T | undefined>('readonly', (store) => store.get(key) as IDBRequest<T | undefined>),
    put: async (key, value) => void (await run('readwrite', (store) => store.put(value, key))),
    all: () => run<T[]>('readonly', (store) => store.getAll() as IDBRequest<T[]>),
    keys: () => run<string[]>('readonly', (store) => store.getAllKeys() as IDBRequest<string[]>),
    remove: async (key) => void (await run('readwrite', (store) => store.delete(key))),
    clear: async () => void (await run('readwrite', (store) => store.clear())),
  }
}
