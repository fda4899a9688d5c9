import type { ModelOwner, PublishedModel, Sotto } from '@sotto/client'
import { type Trouble, troubleOf } from '../../connection/index.ts'

/** Whether the operator keeps it loaded. Whether it is loaded now, a service tells nobody: it would tell who uses what. */
export type ModelState = 'pinned' | 'onDemand'

/** Each is asked for by itself: of the newest only. */
const MAX_STATES = 100

/** The models of the owner, each signed by that owner. */
class OwnModels {
  models = $state.raw<readonly PublishedModel[]>()
  states = $state.raw<Readonly<Record<string, ModelState | undefined>>>({})
  trouble = $state.raw<Trouble>()
  /** What was deleted last, with the number of its keys. */
  removed = $state.raw<{ id: string; keys: number }>()
  isRemoving = $state(false)

  async list(sotto: Sotto, owner: ModelOwner): Promise<void> {
    this.trouble = undefined
    try {
      const models = await sotto.models.list(owner.tag)
      this.models = models.toReversed()
      const states = await Promise.all(
        this.models.slice(0, MAX_STATES).map(async ({ id }) => [id, await stateOf(sotto, id)] as const),
      )
      this.states = Object.fromEntries(states)
    } catch (error) {
      this.trouble = troubleOf(error)
    }
  }

  async remove(sotto: Sotto, owner: ModelOwner, { id, statement }: PublishedModel): Promise<void> {
    if (this.isRemoving) return
    this.isRemoving = true
    this.trouble = undefined
    try {
      const { name, version } = statement
      const { artifacts } = await sotto.models.remove(name, { owner, version })
      this.removed = { id, keys: artifacts.length }
      await this.list(sotto, owner)
    } catch (error) {
      this.trouble = troubleOf(error)
    } finally {
      this.isRemoving = false
    }
  }

  /** Another owner, or none. */
  clear(): void {
    this.models = undefined
    this.states = {}
    this.removed = undefined
  }
}

/** Undefined where the service does not say: beside the list it is a detail. */
async function stateOf(sotto: Sotto, id: string): Promise<ModelState | undefined> {
  try {
    const response = await sotto.fetch(`${sotto.baseURL}/models/${id}`)
    const { pinned } = (await response.json()) as { pinned?: unknown }
    if (!response.ok) return undefined
    return pinned === true ? 'pinned' : 'onDemand'
  } catch {
    return undefined
  }
}

export const ownModels = new OwnModels()
