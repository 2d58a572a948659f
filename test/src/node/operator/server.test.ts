import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CommandError } from '../../../../src/cli/command-error.ts'
import { EXIT } from '../../../../src/cli/exit-codes.ts'
import { commandOperator as connectOperator } from '../../../../src/cli/operator-client.ts'
import { silentLog } from '../../../../src/node/log.ts'
import type { OperatorActions } from '../../../../src/node/operator/actions.ts'
import {
  MAX_LINE_BYTES,
  OperatorError,
  type OperatorErrorCode,
} from '../../../../src/node/operator/messages.ts'
import { type OperatorServer, serveOperator } from '../../../../src/node/operator/server.ts'
import { aStatus, someActions } from '../../../support/fake-operator.ts'

const { signal } = new AbortController()

describe("the operator's door", () => {
  let root = ''
  let file = ''
  const servers: OperatorServer[] = []
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'holdfast-operator-'))
    file = join(root, 'host', 'operator.sock')
  })
  afterEach(async () => {
    for (const server of servers.splice(0)) await server.close()
    await rm(root, { recursive: true })
  })
  const serve = async (actions: Partial<OperatorActions>, at = file): Promise<void> => {
    servers.push(await serveOperator(at, someActions(actions), silentLog))
  }
  /** A program that speaks lines of its own. */
  const raw = async (): Promise<Socket> => {
    const socket = connect(file)
    await once(socket, 'connect')
    return socket
  }

  it('is open to its owner only, and gone with the node', async () => {
    await serve({})
    assert.equal((await stat(file)).mode & 0o777, 0o600)
    assert.equal((await stat(join(root, 'host'))).mode & 0o777, 0o700)
    await servers.pop()?.close()
    assert.deepEqual(await readdir(join(root, 'host')), [])
  })

  it('is not opened in a folder that others may enter', async () => {
    await mkdir(join(root, 'host'), { mode: 0o755 })
    await assert.rejects(serve({}), /chmod 700/)
  })

  it('takes the place of the socket that a killed node left', async () => {
    await mkdir(join(root, 'host'), { mode: 0o700 })
    await writeFile(file, '')
    await serve({ status: async () => aStatus() })
    const node = await connectOperator(file, signal)
    assert.equal((await node.ask('status', {}, signal)).me, 1)
    node.close()
  })

  it('answers one after the other, on Linux in folders of any depth', async () => {
    const isLinux = process.platform === 'linux'
    const far = join(root, 'a'.repeat(60), 'b'.repeat(60), 'host', 'operator.sock')
    if (!isLinux) await assert.rejects(serve({}, far), /shorter dataDir/)
    const deep = isLinux ? far : file
    let asked = 0
    const status = async () => aStatus({ t: ++asked })
    await serve({ status }, deep)
    assert.equal((await stat(deep)).mode & 0o777, 0o600)
    const node = await connectOperator(deep, signal)
    const [first, second] = await Promise.all([
      node.ask('status', {}, signal),
      node.ask('status', {}, signal),
    ])
    assert.deepEqual([first.t, second.t], [1, 2])
    node.close()
  })

  const codes: readonly [OperatorErrorCode, number][] = [
    ['refused', EXIT.refused],
    ['waiting', EXIT.waiting],
    ['operators', EXIT.needsOperators],
  ]
  for (const [code, exitCode] of codes)
    it(`tells "${code}" as exit code ${exitCode}, with what to do`, async () => {
      await serve({
        propose: async () => {
          throw new OperatorError(code, 'no vote here now', 'ask again')
        },
      })
      const node = await connectOperator(file, signal)
      const wish = { kind: 2 as const, joins: [], leaves: [], t: 3, params: null }
      const rest = { allowAdd: [], allowDrop: [], unban: [], expiresAt: 1 }
      await assert.rejects(node.ask('propose', { ...wish, ...rest }, signal), (error) => {
        assert.ok(error instanceof CommandError)
        assert.deepEqual(
          [error.exitCode, error.message, error.hint],
          [exitCode, 'no vote here now', 'ask again'],
        )
        return true
      })
      node.close()
    })

  it('tells of a defect that there is one, and its text to the log alone', async () => {
    await serve({
      status: async () => {
        throw new Error('bug: something private')
      },
    })
    const node = await connectOperator(file, signal)
    await assert.rejects(node.ask('status', {}, signal), (error) => {
      assert.ok(error instanceof CommandError)
      assert.equal(error.exitCode, EXIT.failed)
      assert.doesNotMatch(error.message, /private/)
      return true
    })
    node.close()
  })

  it('refuses what has not the shape of its method, and goes on', async () => {
    await serve({ status: async () => aStatus() })
    const node = await connectOperator(file, signal)
    for (const params of [
      { proposalHash: 'AB'.repeat(32), yes: true, seq: 1, operatorSig: null },
      { proposalHash: 'ab'.repeat(31), yes: true, seq: 1, operatorSig: null },
      { proposalHash: 'ab'.repeat(32), yes: true, seq: -1, operatorSig: null },
    ])
      await assert.rejects(node.ask('answer', params, signal), { exitCode: EXIT.refused })
    assert.equal((await node.ask('status', {}, signal)).me, 1)
    node.close()
  })

  it('never gives out what has not the shape of an answer', async () => {
    await serve({ status: async () => aStatus({ networkId: 'not hex' }) })
    const node = await connectOperator(file, signal)
    await assert.rejects(node.ask('status', {}, signal), { exitCode: EXIT.failed })
    node.close()
  })

  for (const [what, bytes] of [
    ['no JSON', 'hello\n'],
    ['a method that there is not', '{"id":1,"method":"shares","params":{}}\n'],
    ['a field too many', '{"id":1,"method":"status","params":{},"more":1}\n'],
    ['a line without end', 'x'.repeat(MAX_LINE_BYTES + 1)],
  ] as const)
    it(`ends a connection that sends ${what}`, async () => {
      await serve({})
      const socket = await raw()
      socket.on('error', () => undefined)
      socket.write(bytes)
      await once(socket, 'close')
    })

  it('reads a backup page by page on one connection, and lets go of it when the tool goes away', async () => {
    let closed = 0
    const { promise, resolve } = Promise.withResolvers<void>()
    const head = {
      networkId: '11'.repeat(32),
      guestSig: '33'.repeat(32),
      index: 1,
      label: 'one',
      epoch: { e: 2, k: 1 },
      recordHash: '44'.repeat(32),
    }
    await serve({
      openBackup: async () => ({
        head,
        next: async () => ({ records: [['n/a/abcd', '00ff']], more: true }),
        close: async () => {
          closed++
          resolve()
        },
      }),
    })
    const node = await connectOperator(file, signal)
    await assert.rejects(node.ask('backup-next', {}, signal), { exitCode: EXIT.refused })
    assert.deepEqual(await node.ask('backup-open', {}, signal), head)
    assert.deepEqual(await node.ask('backup-next', {}, signal), {
      records: [['n/a/abcd', '00ff']],
      more: true,
    })
    node.close()
    await promise
    assert.equal(closed, 1)
  })

  it('has no partitions but on development networks', async () => {
    await serve({})
    const node = await connectOperator(file, signal)
    await assert.rejects(node.ask('partition', { from: ['peer'] }, signal), {
      exitCode: EXIT.refused,
    })
    node.close()
  })

  it('says that no node runs, and where it looked', async () => {
    await assert.rejects(connectOperator(file, signal), (error) => {
      assert.ok(error instanceof CommandError)
      assert.equal(error.exitCode, EXIT.unreachable)
      assert.match(error.message, /operator\.sock/)
      return true
    })
  })

  it('tells a tool that waits when the node ends', async () => {
    await serve({ status: () => new Promise(() => undefined) })
    const node = await connectOperator(file, signal)
    const asked = node.ask('status', {}, signal)
    await Promise.all([
      assert.rejects(asked, { exitCode: EXIT.unreachable }),
      servers.pop()?.close(),
    ])
    await assert.rejects(node.ask('status', {}, signal), { exitCode: EXIT.unreachable })
  })
})
