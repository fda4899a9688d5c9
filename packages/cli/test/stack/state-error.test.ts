import { describe, expect, it } from 'vitest'
import { describeSealedStore, describeStateError } from '../../src/stack/state-error.ts'
import { cliError } from '../../src/errors.ts'

const failure = (code: string, path?: string): Error =>
  Object.assign(new Error(`${code}: something, open`), { code, ...(path !== undefined && { path }) })

describe('a failed write below a stack folder', () => {
  it.each(['ENOSPC', 'EDQUOT'])('%s is a full disk, and worth another try', (code) => {
    expect(describeStateError(failure(code), '/home/a/.sotto')).toMatchObject({
      code: 'STACK_DISK_FULL',
      action: 'retry',
      message: 'no space left for the stack in /home/a/.sotto',
    })
  })

  it.each(['EACCES', 'EPERM', 'EROFS', 'ENOENT', 'ENOTDIR'])('%s is a folder nobody may write', (code) => {
    expect(describeStateError(failure(code, '/home/a/.sotto/run/up.log'), '/home/a/.sotto')).toMatchObject({
      code: 'STACK_FOLDER',
      action: 'fix-input',
      found: code,
    })
  })

  it('leaves what concerns other files, and errors with a code of ours, as they are', () => {
    const elsewhere = failure('ENOENT', '/opt/sotto/models/manifest.json')
    expect(describeStateError(elsewhere, '/home/a/.sotto')).toBe(elsewhere)
    const ours = cliError('ROLE_FAILED', 'kms did not start')
    expect(describeStateError(ours, '/home/a/.sotto')).toBe(ours)
    expect(describeStateError('text', '/home/a/.sotto')).toBe('text')
  })
})

describe('a store that another build of the KMS sealed', () => {
  it('says how to start anew', () => {
    const error = cliError('ROLE_FAILED', 'kms did not start', { found: 'error: kms: KMS_STORE_SEALED: …' })
    expect(describeSealedStore(error, '/home/a/.sotto')).toMatchObject({
      code: 'ROLE_FAILED',
      hint: expect.stringContaining('remove /home/a/.sotto'),
    })
  })

  it('is no other failure', () => {
    const error = cliError('ROLE_FAILED', 'kms did not start', { found: 'no output' })
    expect(describeSealedStore(error, '/home/a/.sotto')).toBe(error)
  })
})
