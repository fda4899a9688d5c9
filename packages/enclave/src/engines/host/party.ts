import { AsyncLocalStorage } from 'node:async_hooks'

/**
 * On whose behalf a call is made, as far as it may be known (T19): a label of the connection it came over and the class
 * of its token, never of a client. Calls share an engine fairly between parties. The gateway sets it around the inner
 * app, which neither sees nor passes it on; whatever runs without one is one party of its own.
 */
const parties = new AsyncLocalStorage<string>()

/** Runs something on behalf of a party. */
export function runAs<T>(party: string, run: () => T): T {
  return parties.run(party, run)
}

/** The party of the code that runs now. */
export function currentParty(): string {
  return parties.getStore() ?? ''
}
