import { hex, integer, object, parseStrictJson } from '@sotto/protocol/jcs'
import { clientError } from '../errors.ts'
import type { SottoStorage } from '../types.ts'

/** Which statement of an issuer was seen last: its number, and the SHA-256 of its envelope. */
export interface SeenStatement {
  sequence: number
  digest: string
}

/** Remembers one statement for each issuer, so that a client that starts again is not shown an older one. */
export interface StatementMemory {
  /** @throws `STORAGE_INVALID` when what was kept is damaged: forgetting must be deliberate; errors of the storage */
  recall(): Promise<SeenStatement | undefined>
  /** Keeps the later one. Durable once it resolves. @throws as {@link StatementMemory.recall} */
  remember(seen: SeenStatement): Promise<void>
}

const decoder = object({ sequence: integer(1), digest: hex(32) })

/** The memory of the issuer with this Ed25519 key (base64url), in the storage that checkpoints are kept in. */
export function statementMemory(storage: SottoStorage, issuerKey: string): StatementMemory {
  const name = `issuer statement ${issuerKey}`
  async function recall(): Promise<SeenStatement | undefined> {
    const text = await storage.get(name)
    if (text === undefined) return undefined
    try {
      return decoder(parseStrictJson(text, { maxBytes: 1024 }), 'statement')
    } catch (cause) {
      throw clientError('STORAGE_INVALID', "the remembered statement of the issuer's keys is damaged", {
        cause,
        hint: 'find out what changed it; deleting it makes this client forget which keys it has seen',
      })
    }
  }
  return {
    recall,
    async remember({ sequence, digest }) {
      const known = await recall()
      if (known !== undefined && known.sequence >= sequence) return
      await storage.set(name, JSON.stringify({ sequence, digest }))
    },
  }
}
