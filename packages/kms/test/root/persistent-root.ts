import { type KmsRoot, type Sharing } from '../../src/root/index.ts'

/** A source as durable as a file, in memory; it breaks on demand. */
export class PersistentRoot {
  /** What a start finds. */
  kept: Uint8Array[]
  /** Called before each write; what it returns happens to that write. */
  fault: (write: number) => 'not-persisted' | 'reported-failed' | undefined = () => undefined
  error: () => Error = () => new Error('the source failed')
  writes = 0
  readonly sharing: Sharing | undefined

  constructor(secret: Uint8Array, sharing?: Sharing) {
    this.kept = [secret]
    this.sharing = sharing
  }

  /** As a start obtains it. */
  obtain(): KmsRoot {
    const { sharing } = this
    return {
      obtained: { secrets: this.kept.map((secret) => secret.slice()) },
      source: {
        name: 'test',
        sharing,
        canRotate: true,
        obtain: async () => ({ secrets: this.kept }),
        stage: async (next, current) => this.write([next.slice(), current.slice()]),
        settle: async (secret) => this.write([secret.slice()]),
      },
    }
  }

  private write(kept: Uint8Array[]): void {
    const fault = this.fault(this.writes++)
    if (fault !== 'not-persisted') this.kept = kept
    if (fault !== undefined) throw this.error()
  }
}
