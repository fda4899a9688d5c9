import { type Trouble, troubleOf } from '../../connection/index.ts'

/** Something that somebody asks for with a button: whether it is on its way, and what went wrong with it last. */
export class Action {
  isWorking = $state(false)
  trouble = $state.raw<Trouble>()

  /** Once at a time: what is asked for meanwhile is not done twice. */
  async run(work: () => Promise<void>): Promise<void> {
    if (this.isWorking) return
    this.isWorking = true
    this.trouble = undefined
    try {
      await work()
    } catch (error) {
      this.trouble = troubleOf(error)
    } finally {
      this.isWorking = false
    }
  }
}
