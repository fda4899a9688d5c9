import { expect } from 'vitest'
import type { Sotto } from '@sotto/client'
import { embed } from './support.ts'

/** Expects that the stack answers a request. */
export async function stillServes(sotto: Sotto): Promise<void> {
  const response = await embed(sotto, 'still there?')
  expect(response.status).toBe(200)
  await response.text()
}
