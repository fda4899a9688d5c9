import { mkdtempSync, rmSync, statSync } from 'node:fs'
import * as files from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, vi } from 'vitest'
import { withLock } from '../../src/node/with-lock.ts'

vi.mock('node:fs/promises', async (original) => {
  const real = await original<typeof files>()
  return { ...real, open: vi.fn(real.open), writeFile: vi.fn(real.writeFile) }
})

it('opens the lock by SQLite only: one descriptor more, when it closes, ends the lock of another thread', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sotto-lock-'))
  try {
    const path = join(folder, 'tokens.json.lock')
    expect(await withLock(join(folder, 'tokens.json'), async () => 'done')).toBe('done')
    const opened = [files.open, files.writeFile].flatMap((one) =>
      vi.mocked(one).mock.calls.map(([file]) => file),
    )
    expect(opened).not.toContain(path)
    // Private all the same.
    expect(statSync(path).mode & 0o777).toBe(0o600)
  } finally {
    rmSync(folder, { recursive: true })
  }
})
