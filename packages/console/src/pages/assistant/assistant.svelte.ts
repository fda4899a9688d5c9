import { SottoError } from '@sotto/protocol/errors'
import { isServedLocally } from '../../connection/config.ts'
import { type Connection, type Trouble, troubleOf } from '../../connection/index.ts'
import {
  conversations,
  type KeptConversation,
  type KeptMessage,
  mergeConversations,
  onOtherTab,
  whyUnkept,
} from '../../keep/index.ts'
import { words } from '../../words/index.ts'
import { answerTo, NetworkLost } from './answer.ts'
import { newConversation, titleOf, turnsOf, withMessage } from './conversation.ts'
import { keptDraft } from './draft.ts'
import { hush, type Reading } from './speaker.ts'

/** What is being answered now. */
export interface Answering {
  conversation: string
  question: string
  /** As far as it came. */
  answer: KeptMessage
}

/** What is said, and what is being said. One for the page: it outlives the view, so that nothing is lost by looking elsewhere. */
class Assistant {
  list = $state.raw<readonly KeptConversation[]>([])
  isLoaded = $state(false)
  answering = $state.raw<Answering>()
  /** Why the last answer ended badly, and to which question. */
  trouble = $state.raw<{ question: string; trouble: Trouble }>()
  /** Why nothing is kept. */
  unkept = $state<'full' | 'keep'>()

  #draft = $state(keptDraft.read())
  #blank = $state.raw(blank())
  #currentId = $state<string>()
  #stop: AbortController | undefined
  #isListening = false
  /** Changed here and not kept yet. */
  readonly #changed = new Set<string>()

  /** What is typed and not sent. */
  get draft(): string {
    return this.#draft
  }

  set draft(text: string) {
    this.#draft = text
    try {
      keptDraft.write(text)
    } catch (error) {
      this.unkept = whyUnkept(error)
    }
  }

  /** The conversation that is shown. */
  get current(): KeptConversation {
    return this.list.find(({ id }) => id === this.#currentId) ?? this.#blank
  }

  /** Shows another; an answer that is coming goes on. */
  show(id?: string): void {
    this.#currentId = id
    if (id === undefined) this.#blank = blank()
  }

  /** Asks `text` in the conversation that is shown. False when nothing can be sent now: the text stays with its writer. */
  send(connection: Connection, text: string, reading?: Reading): boolean {
    if (text.trim() === '' || this.answering !== undefined || connection.phase !== 'verified') return false
    const question: KeptMessage = { id: newId(), at: Date.now(), role: 'user', text: text.trim() }
    const conversation = withMessage(this.current, question)
    this.#currentId = conversation.id
    this.#change(conversation)
    void this.#answer(connection, conversation, question.id, reading)
    return true
  }

  /** Asks the last question of the conversation that is shown once more; its answer takes the place of the one that was cut. */
  retry(connection: Connection): void {
    const last = turnsOf(this.current.messages).at(-1)
    if (last === undefined || this.answering !== undefined || connection.phase !== 'verified') return
    void this.#answer(connection, this.current, last.question.id)
  }

  /** Ends answer and voice at once. What came stays. */
  stop(): void {
    this.#stop?.abort()
    hush()
  }

  rename(id: string, title: string): void {
    const found = this.list.find((one) => one.id === id)
    if (found && title.trim() !== '') this.#change({ ...found, title: titleOf(title) })
  }

  async erase(id: string): Promise<void> {
    if (this.answering?.conversation === id) this.stop()
    this.#changed.delete(id)
    this.list = this.list.filter((one) => one.id !== id)
    // What could not be erased is shown again.
    if (!(await this.#keeping(() => conversations.remove(id)))) return this.#load()
    // There may be room now for what there was none for.
    for (const one of this.list.filter((other) => this.#changed.has(other.id))) this.#change(one)
  }

  /** Conversations, and what is typed, in other tabs too. */
  async eraseAll(): Promise<void> {
    this.stop()
    this.#draft = ''
    keptDraft.eraseAll()
    this.#changed.clear()
    this.list = []
    this.show()
    if (!(await this.#keeping(() => conversations.clear()))) await this.#load()
  }

  /** Reads what is kept, and from then on again whenever another tab has changed it. */
  async open(connection: Connection): Promise<void> {
    if (!this.#isListening) this.#listen(connection)
    await this.#load()
  }

  /** Keeps an answer as far as it came: the page is about to go. */
  #leave(): void {
    const { answering } = this
    const found = answering && this.list.find(({ id }) => id === answering.conversation)
    if (found && answering.answer.text !== '')
      void this.#keeping(() => conversations.put(withMessage(found, { ...answering.answer, end: 'cut' })))
  }

  async #answer(
    connection: Connection,
    conversation: KeptConversation,
    question: string,
    reading?: Reading,
  ): Promise<void> {
    const { id, messages } = conversation
    const before = turnsOf(messages).find((turn) => turn.question.id === question)?.answer
    const stop = new AbortController()
    this.#stop = stop
    this.trouble = undefined
    const empty: KeptMessage = { id: before?.id ?? newId(), at: Date.now(), role: 'assistant', text: '' }
    this.answering = { conversation: id, question, answer: empty }
    const error = await answerTo({
      sotto: () => connection.sotto,
      messages,
      question,
      empty,
      signal: stop.signal,
      onChange: (answer) => {
        if (answer.end !== undefined) return this.#end(id, answer)
        this.answering = { conversation: id, question, answer }
      },
      onPiece: (piece) => reading?.take(piece),
    })
    if (!stop.signal.aborted) reading?.end()
    if (error === undefined) return
    const trouble = troubleOf(error)
    this.trouble = { question, trouble }
    // What a check has refused is refused for all pages.
    if (error instanceof SottoError && error.action === 'stop') void connection.verify()
  }

  /** An answer is complete, or as complete as it will be. Erased meanwhile, its conversation stays erased. */
  #end(id: string, answer: KeptMessage): void {
    if (this.answering?.answer.id === answer.id) this.answering = undefined
    const found = this.list.find((one) => one.id === id)
    if (found && answer.text !== '') this.#change(withMessage(found, answer))
  }

  #change(conversation: KeptConversation): void {
    const { id } = conversation
    this.list = [conversation, ...this.list.filter((one) => one.id !== id)]
    this.#changed.add(id)
    void this.#keeping(async () => {
      const both = await conversations.put(conversation)
      const now = this.list.find((one) => one.id === id)
      if (now === conversation) this.#changed.delete(id)
      if (now !== undefined)
        this.list = this.list.map((one) => (one.id === id ? mergeConversations(both, now) : one))
    })
  }

  #listen(connection: Connection): void {
    this.#isListening = true
    onOtherTab('conversations', () => void this.#load())
    keptDraft.onErased(() => (this.#draft = ''))
    // Also while somebody looks at another page.
    addEventListener('pagehide', () => this.#leave())
    addEventListener('offline', () => {
      // A relay on this machine is there all the same; of another one, nothing says for minutes that it is gone.
      const relay = new URL(connection.config?.relay ?? location.href)
      if (!isServedLocally(relay.hostname)) this.#stop?.abort(new NetworkLost(words.assistant.offline))
    })
  }

  async #load(): Promise<void> {
    await this.#keeping(async () => {
      const kept = await conversations.all()
      const own = this.list.filter(({ id }) => this.#changed.has(id))
      const others = kept.filter(({ id }) => !this.#changed.has(id))
      const merged = own.map((one) =>
        mergeConversations(
          kept.find(({ id }) => id === one.id),
          one,
        ),
      )
      this.list = [...others, ...merged].toSorted((a, b) => b.at - a.at)
      const { answering } = this
      if (answering && !this.list.some(({ id }) => id === answering.conversation)) this.stop()
    })
    this.isLoaded = true
  }

  /** What cannot be kept stays on the page, which says so. */
  async #keeping(work: () => Promise<unknown>): Promise<boolean> {
    try {
      await work()
      if (this.#changed.size === 0) this.unkept = undefined
      return true
    } catch (error) {
      this.unkept = whyUnkept(error)
      return false
    }
  }
}

function newId(): string {
  return crypto.randomUUID()
}

function blank(): KeptConversation {
  return newConversation(Date.now(), newId().slice(0, 8))
}

export const assistant = new Assistant()
