import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { findViolations, specifiers } from '../scripts/layers.ts'

describe('the layer check', () => {
  let root: string
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'sotto-layers-'))
  })
  afterEach(() => rmSync(root, { recursive: true }))

  const plant = (path: string, text: string): string[] => {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text)
    return findViolations(root)
  }

  it('finds nothing in this checkout', () => {
    expect(findViolations(resolve(import.meta.dirname, '..'))).toEqual([])
  })

  it.each([
    ['packages/edge/src/relay/app.ts', `import { release } from '@sotto/kms/release'`],
    ['packages/kms/src/app.ts', `import { x } from '@sotto/enclave'`],
    ['packages/protocol/src/hpke/index.ts', `import { x } from '@sotto/verifier'`],
    ['packages/protocol/src/hpke/index.ts', `import { createHash } from 'node:crypto'`],
    ['packages/client/src/fetch.ts', `export { readFile } from 'node:fs'`],
    ['packages/cli/src/main.ts', `const kms = await import('@sotto/kms')`],
    ['packages/edge/src/relay/app.ts', `import { tree } from '../log/tree.ts'`],
    [
      'packages/enclave/src/roles/inference.ts',
      `import { connectLauncher } from '@sotto/serve/tee-software'`,
    ],
    ['packages/serve/src/a.ts', `import x from '../../kms/src/store.ts'`],
    ['packages/newcomer/src/a.ts', `import x from 'zod'`],
  ])('finds a violation planted in %s', (path, text) => {
    expect(plant(path, text)).toHaveLength(1)
  })

  it.each([
    [
      'packages/enclave/src/roles/inference.software.ts',
      `import { connectLauncher } from '@sotto/serve/tee-software'`,
    ],
    ['packages/protocol/src/crypto-backend/node.ts', `import { createHash } from 'node:crypto'`],
    ['packages/edge/test/relay.test.ts', `import { createWorld } from '@sotto/testkit'`],
    ['packages/kms/src/app.ts', `/* import x from '@sotto/enclave' */\nimport { serve } from '@sotto/serve'`],
  ])('allows what the house allows in %s', (path, text) => {
    expect(plant(path, text)).toEqual([])
  })

  it('reads multi-line imports and type imports', () => {
    expect(
      specifiers(`import {\n  a,\n  type B,\n} from './x.ts'\nimport type { C } from "y"\nexport * from 'z'`),
    ).toEqual(['./x.ts', 'y', 'z'])
  })
})
