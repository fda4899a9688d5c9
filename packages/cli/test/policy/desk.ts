import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { toHex } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import { softwareRootDigest } from '@sotto/verifier'
import { signSoftwareReport } from '@sotto/verifier/software-signer'
import { commands } from '../../src/commands/index.ts'
import { runInMemory, type RunResult } from '../support/memory-io.ts'

/** A folder with policies and evidence of a software TEE, so that everything runs anywhere. */
export interface PolicyDesk {
  readonly cwd: string
  readonly root: { publicKey: Uint8Array; privateKey: Uint8Array }
  /** What the evidence is bound to. */
  readonly binding: Uint8Array
  write(name: string, content: string | Uint8Array | object): void
  /** A report, signed by the root. */
  report(measurement?: string): Uint8Array
  /** A policy that admits that report. */
  policy(changes?: object, component?: object): object
  sotto(argv: readonly string[], stdin?: string): Promise<RunResult>
  clear(): void
}

export const MEASUREMENT: string = 'ab'.repeat(48)
/** 2027-01-15T08:00:00Z */
export const NOW = 1_800_000_000

export function createPolicyDesk(): PolicyDesk {
  const cwd = mkdtempSync(join(tmpdir(), 'sotto-policy-'))
  const root = crypto.ecdsa.generate('P-384')
  const binding = crypto.randomBytes(64)
  return {
    cwd,
    root,
    binding,
    write(name, content) {
      const path = join(cwd, name)
      mkdirSync(dirname(path), { recursive: true })
      const isData = typeof content === 'string' || content instanceof Uint8Array
      writeFileSync(path, isData ? content : JSON.stringify(content, null, 2))
    },
    report: (measurement = MEASUREMENT) =>
      signSoftwareReport(
        { measurement, hostData: 'cd'.repeat(32), reportData: binding, chipId: new Uint8Array(64) },
        root.privateKey,
      ),
    policy: (changes = {}, component = {}) => ({
      version: 1,
      name: 'laptop',
      anyOf: [
        {
          name: 'this-laptop',
          allOf: [
            {
              family: 'software',
              roots: [softwareRootDigest(root.publicKey)],
              measurements: [MEASUREMENT],
              hostData: ['cd'.repeat(32)],
              ...component,
            },
          ],
        },
      ],
      freshness: 'nonce',
      evidenceMaxAgeSeconds: 3600,
      ...changes,
    }),
    sotto: (argv, stdin) =>
      runInMemory(commands, argv, {
        cwd,
        nowMs: () => NOW * 1000,
        ...(stdin !== undefined && { stdin: [stdin] }),
      }),
    clear: () => rmSync(cwd, { recursive: true, force: true }),
  }
}

/** The binding as the command line takes it. */
export function bindingFlag({ binding }: PolicyDesk): string[] {
  return ['--report-data', toHex(binding)]
}
