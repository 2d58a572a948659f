import assert from 'node:assert/strict'
import { CommandError } from '../../../src/cli/command-error.ts'
import { EXIT, EXIT_MEANINGS } from '../../../src/cli/exit-codes.ts'
import { ConfigError } from '../../../src/node/config.ts'
import { runWith } from './fake-context.ts'

const failing = (error: Error) => ({
  demo: async () => {
    throw error
  },
})

describe('run()', () => {
  it('prints help with every exit code, and ends well', async () => {
    const { code, stdout } = await runWith(['--help'], {})
    assert.equal(code, 0)
    for (const [number] of EXIT_MEANINGS) assert.match(stdout, new RegExp(`^ +${number} {2}`, 'm'))
  })

  it('gives every exit code one meaning', () => {
    const codes = EXIT_MEANINGS.map(([code]) => code)
    assert.deepEqual([...new Set(codes)], codes)
    assert.deepEqual(codes.toSorted(), Object.values(EXIT).toSorted())
  })

  for (const args of [
    ['conquer'],
    ['demo', '--nodes', 'many'],
    ['demo', '--nodes', '0'],
    ['sign', 'message'],
    ['sign', 'message', 'hello'],
    ['account', 'create', '--alg', 'RSA'],
    ['account', 'create', '--rpc', 'ftp://127.0.0.1'],
    ['init'],
    ['init', '--dir', '/x', '--rpc-port', '70000'],
    ['genesis', 'create', 'a.json'],
    ['start'],
    ['testnet', 'kill', '--dir', '/nowhere'],
    ['testnet', 'kill', 'two', '--dir', '/nowhere'],
    ['demo', '--unknown'],
  ])
    it(`refuses "${args.join(' ')}" with exit code 2 and a reason, as text and as JSON`, async () => {
      const plain = await runWith(args, {})
      assert.equal(plain.code, EXIT.refused)
      assert.match(plain.stderr, /^error: /)
      assert.equal(plain.stdout, '')
      const json = await runWith([...args, '--json'], {})
      assert.equal(json.code, EXIT.refused)
      assert.ok(JSON.parse(json.stderr).error.message.length > 0)
      assert.equal(json.stdout, '')
    })

  it('tells what happened, the error id and what to do', async () => {
    const error = new CommandError(EXIT.waiting, 'insufficient signers', {
      id: 'MPC_QUORUM',
      hint: 'start more nodes',
    })
    const plain = await runWith(['demo'], failing(error))
    assert.equal(plain.code, EXIT.waiting)
    assert.equal(
      plain.stderr,
      'error: insufficient signers (MPC_QUORUM)\n  what to do: start more nodes\n',
    )
    const json = await runWith(['demo', '--json'], failing(error))
    assert.deepEqual(JSON.parse(json.stderr), {
      error: { message: 'insufficient signers', id: 'MPC_QUORUM', hint: 'start more nodes' },
    })
  })

  it('shows every problem of a configuration', async () => {
    const { code, stderr } = await runWith(['demo'], failing(new ConfigError(['one', 'two'])))
    assert.equal(code, EXIT.refused)
    assert.match(stderr, /one\n +two/)
  })

  it('ends with 1 for anything unforeseen', async () => {
    const { code, stderr } = await runWith(['demo'], failing(new Error('the disk is full')))
    assert.equal(code, EXIT.failed)
    assert.match(stderr, /the disk is full/)
  })
})
