import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { AgentAnswers, AgentAsk, AgentReply } from './agent-words.ts'

const MAIN = fileURLToPath(new URL('agent-main.ts', import.meta.url))

/** A process of our own that asks nodes from where it stands: this machine, or a node's namespace. */
export class Agent {
  readonly #child: ChildProcess
  readonly #answers: AsyncIterator<string>
  #turn: Promise<unknown> = Promise.resolve()

  /** `within` runs it; nothing stands for this machine itself. */
  constructor(within: readonly string[] = []) {
    const [program = '', ...args] = [...within, process.execPath, MAIN]
    this.#child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'], detached: true })
    this.#child.stdin?.on('error', () => undefined) // it ended: the next answer says so
    const output = this.#child.stdout
    if (output === null) throw new Error('bug: an agent without output')
    this.#answers = createInterface({ input: output })[Symbol.asyncIterator]()
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  /** One question at a time; the agent's own failure is thrown. */
  ask<K extends AgentAsk['do']>(ask: Extract<AgentAsk, { do: K }>): Promise<AgentAnswers[K]> {
    const turn = this.#turn.then(() => this.#ask(ask))
    this.#turn = turn.catch(() => undefined) // its asker is told
    return turn as Promise<AgentAnswers[K]>
  }

  /** It ends with its input. */
  end(): void {
    this.#child.stdin?.end()
    this.#child.kill('SIGTERM')
  }

  async #ask(ask: AgentAsk): Promise<unknown> {
    this.#child.stdin?.write(`${JSON.stringify(ask)}\n`)
    const { value, done } = await this.#answers.next()
    if (done === true) throw new Error('the agent ended')
    const reply = JSON.parse(value) as AgentReply
    if ('failed' in reply) throw new Error(`${ask.do}: ${reply.failed}`)
    return reply.done
  }
}
