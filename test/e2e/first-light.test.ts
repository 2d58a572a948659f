import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface, type Interface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { allGone, childrenOf, type ProcessRef } from '../../src/testnet/process.ts'

const CLI = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))
const DEMO_TIMEOUT_MS = 150_000 // 90 s is the goal on a machine that does nothing else
const GONE_MS = 5_000

type Event = Readonly<Record<string, unknown>> & { readonly event: string }

/** `holdfast demo --once --json` as a process of its own, with every process that it started. */
class Demo {
  readonly child: ChildProcess & { pid: number }
  readonly events: Event[] = []
  readonly processes = new Map<number, ProcessRef>()
  stderr = ''
  readonly #lines: Interface
  readonly #closed: Promise<unknown>

  constructor(env: Record<string, string>, args: readonly string[] = ['--once']) {
    const child = spawn(process.execPath, [CLI, 'demo', '--json', ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env,
    })
    assert.ok(child.pid !== undefined)
    this.child = child as ChildProcess & { pid: number }
    this.#closed = once(child, 'close')
    child.stderr.on('data', (chunk) => {
      this.stderr += String(chunk)
    })
    this.#lines = createInterface({ input: child.stdout })
    this.#lines.on('line', (line) => {
      this.events.push(JSON.parse(line))
      void this.look()
    })
  }

  /** Remembers the processes below it: nodes, their guests, the chain. */
  async look(): Promise<void> {
    const below = async (pid: number): Promise<void> => {
      for (const child of await childrenOf(pid)) {
        this.processes.set(child.pid, child)
        await below(child.pid)
      }
    }
    await below(this.child.pid)
  }

  async until(event: string): Promise<void> {
    while (this.named(event).length === 0) {
      assert.equal(this.child.exitCode, null, `it ended before ${event}: ${this.stderr}`)
      await Promise.race([once(this.#lines, 'line'), this.#closed])
    }
    await this.look()
  }

  named(event: string): Event[] {
    return this.events.filter((one) => one.event === event)
  }

  async ended(): Promise<number | null> {
    await this.#closed
    return this.child.exitCode
  }

  /** The processes seen below it that are still there. */
  async left(): Promise<boolean> {
    return !(await allGone([...this.processes.values()], GONE_MS))
  }
}

describe('first light', function () {
  this.timeout(DEMO_TIMEOUT_MS)
  let demo: Demo
  afterEach(() => demo.child.kill('SIGKILL'))

  it('makes a key, signs a transaction with three of five, has it mined, and leaves nothing behind', async () => {
    demo = new Demo({})
    assert.equal(await demo.ended(), 0, demo.stderr)

    const ready = demo.named('node-ready')
    assert.deepEqual(ready.map(({ node }) => node).toSorted(), [1, 2, 3, 4, 5])
    assert.equal(new Set(ready.map(({ pid }) => pid)).size, 5)
    assert.equal(new Set(ready.map(({ peerId }) => peerId)).size, 5)

    const [key, ...otherKeys] = demo.named('key-created')
    assert.ok(key !== undefined && otherKeys.length === 0)
    assert.match(String(key['keyId']), /^[0-9a-f]{64}$/)
    assert.match(String(key['publicKey']), /^0[23][0-9a-f]{64}$/)
    assert.match(String(key['address']), /^0x[0-9a-fA-F]{40}$/)

    const [mined, ...otherMined] = demo.named('transaction-mined')
    assert.ok(mined !== undefined && otherMined.length === 0)
    assert.match(String(mined['hash']), /^0x[0-9a-f]{64}$/)
    assert.equal(mined['status'], 'success')
    assert.equal(String(mined['from']).toLowerCase(), String(key['address']).toLowerCase())
    assert.ok(Number(mined['blockNumber']) >= 1)
    const signers = mined['signers'] as number[]
    assert.equal(new Set(signers).size, 3)
    assert.ok(signers.every((party) => party >= 1 && party <= 5))

    assert.deepEqual(
      demo.events.map(({ event }) => event),
      [...Array(5).fill('node-ready'), 'key-created', 'transaction-mined', 'done'],
    )
    const fields = demo.events.map((one) => [one.event, Object.keys(one).join()].join(': '))
    assert.deepEqual(
      [...new Set(fields)],
      [
        'node-ready: event,node,pid,peerId',
        'key-created: event,keyId,publicKey,address',
        'transaction-mined: event,hash,blockNumber,status,from,signers',
        'done: event',
      ],
    )
    assert.ok(demo.processes.size >= 11, 'five hosts, five guests and a chain were seen')
    assert.equal(await demo.left(), false)
  })

  it('signs, verifies and says that it did not send where there is no chain', async () => {
    demo = new Demo({ ANVIL: 'none' }, ['--once', '--nodes', '3', '--threshold', '2'])
    assert.equal(await demo.ended(), 0, demo.stderr)
    const [signed] = demo.named('transaction-signed')
    assert.ok(signed !== undefined)
    assert.equal((signed['signers'] as number[]).length, 2)
    assert.match(String(signed['reason']), /no local chain/)
    assert.deepEqual(demo.named('transaction-mined'), [])
    assert.equal(await demo.left(), false)
  })

  it('fails with a reason, and leaves nothing behind, when the chain does not start', async () => {
    demo = new Demo({ ANVIL: '/bin/false' }, ['--once', '--nodes', '3', '--threshold', '2'])
    assert.equal(await demo.ended(), 1)
    assert.match(JSON.parse(demo.stderr).error.message, /the local chain did not start/)
    assert.deepEqual(demo.named('done'), [])
    assert.equal(await demo.left(), false)
  })

  it('serves until it is told to stop, and then leaves nothing behind', async () => {
    demo = new Demo({}, ['--nodes', '3', '--threshold', '2'])
    await demo.until('done')
    assert.equal(await demo.left(), true)
    demo.child.kill('SIGTERM')
    assert.equal(await demo.ended(), 0, demo.stderr)
    assert.equal(await demo.left(), false)
  })

  it('leaves nothing behind when it is stopped in the middle', async () => {
    demo = new Demo({}, ['--once', '--nodes', '3', '--threshold', '2'])
    await demo.until('node-ready')
    demo.child.kill('SIGINT')
    assert.equal(await demo.ended(), 1)
    assert.equal(await demo.left(), false)
  })
})
