import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ConfigError, parseConfig, readConfig, VARIABLE_NAMES } from '../../../src/node/config.ts'

const parsed = (text: string, env: Record<string, string> = {}) =>
  parseConfig({ dir: '/srv/one', text, env })

const problems = (text: string, env: Record<string, string> = {}): readonly string[] => {
  try {
    parsed(text, env)
  } catch (error) {
    assert.ok(error instanceof ConfigError)
    assert.equal(error.message, error.problems.join('\n'))
    return error.problems
  }
  return assert.fail('the configuration was accepted')
}

describe('parseConfig()', () => {
  it('gives an empty file the defaults of a local node', () => {
    assert.deepEqual(parsed(''), {
      dir: '/srv/one',
      profile: 'local',
      networkId: null,
      listen: ['/ip4/127.0.0.1/tcp/0', '/ip4/127.0.0.1/tcp/0/ws'],
      announce: [],
      bootstrap: [],
      rpc: { host: '127.0.0.1', port: 9545 },
      allowPlain: false,
      kernel: 'wasm',
      dataDir: '/srv/one',
      keysDir: '/srv/one.keys',
      logLevel: 'info',
      metrics: null,
      gateway: { limits: {} },
      guest: {
        correlations: { low: 16, high: 48 },
        presignatures: { keep: 4, warmMinutes: 5 },
        readyKeys: 8,
        background: { cpuPercent: 25, mbitPerSecond: 20 },
        operator: {
          autoAccept: { refresh: true, leaveOwn: true, join: false, remove: false, allow: false },
          refreshSchedule: true,
        },
      },
      alerts: { missingMinutes: 1440 },
    })
  })

  it('reads every setting', () => {
    const config = parsed(`
      profile = "public"
      networkId = "${'ab'.repeat(32)}"
      listen = ["/ip4/0.0.0.0/tcp/4001"]
      announce = ["/dns4/one.example/tcp/4001"]
      bootstrap = ["/dns4/two.example/tcp/4001"]
      allowPlain = true
      kernel = "reference"
      dataDir = "data"
      keysDir = "/keys/one"
      logLevel = "debug"
      [rpc]
      host = "127.0.0.2"
      port = 8000
      [metrics]
      port = 9100
      [guest]
      readyKeys = 0
      correlations = { low = 8, high = 64 }
      presignatures = { keep = 1 }
      [guest.background]
      cpuPercent = 50
      mbitPerSecond = 100
      [operator]
      alertMissingMinutes = 30
      refreshSchedule = false
      autoAccept = { refresh = false, join = "attested", allow = true }
      [gateway.limits]
      address = { perMinute = 6000, burst = 100 }
      open = 50`)
    assert.equal(config.networkId, 'ab'.repeat(32))
    assert.deepEqual(config.listen, ['/ip4/0.0.0.0/tcp/4001'])
    assert.deepEqual(config.announce, ['/dns4/one.example/tcp/4001'])
    assert.deepEqual(config.bootstrap, ['/dns4/two.example/tcp/4001'])
    assert.deepEqual(config.rpc, { host: '127.0.0.2', port: 8000 })
    assert.equal(config.allowPlain, true)
    assert.equal(config.dataDir, '/srv/one/data')
    assert.equal(config.keysDir, '/keys/one')
    assert.equal(config.logLevel, 'debug')
    assert.deepEqual(config.metrics, { host: '127.0.0.1', port: 9100 })
    assert.deepEqual(config.gateway, {
      limits: { address: { perMinute: 6000, burst: 100 }, open: 50 },
    })
    assert.deepEqual(config.guest, {
      correlations: { low: 8, high: 64 },
      presignatures: { keep: 1, warmMinutes: 5 },
      readyKeys: 0,
      background: { cpuPercent: 50, mbitPerSecond: 100 },
      operator: {
        autoAccept: {
          refresh: false,
          leaveOwn: true,
          join: 'attested',
          remove: false,
          allow: true,
        },
        refreshSchedule: false,
      },
    })
    assert.deepEqual(config.alerts, { missingMinutes: 30 })
  })

  it('lets the environment win over the file, setting by setting', () => {
    const config = parsed('logLevel = "warn"\n[rpc]\nhost = "127.0.0.9"\nport = 1', {
      HOLDFAST_RPC_PORT: '0',
      HOLDFAST_BOOTSTRAP: '/ip4/127.0.0.1/tcp/1, /ip4/127.0.0.1/tcp/2',
      HOLDFAST_ALLOW_PLAIN: 'true',
      HOLDFAST_GUEST_READY_KEYS: '3',
      HOLDFAST_GUEST_BACKGROUND_CPU_PERCENT: '5',
      UNRELATED: 'x',
    })
    assert.equal(config.guest.readyKeys, 3)
    assert.deepEqual(config.guest.background, { cpuPercent: 5, mbitPerSecond: 20 })
    assert.deepEqual(config.rpc, { host: '127.0.0.9', port: 0 })
    assert.deepEqual(config.bootstrap, ['/ip4/127.0.0.1/tcp/1', '/ip4/127.0.0.1/tcp/2'])
    assert.equal(config.allowPlain, true)
    assert.equal(config.logLevel, 'warn')
  })

  it('reports every problem at once, by the name of its setting', () => {
    const found = problems(
      'profile = "moon"\nnetworkId = "12"\ncolour = "red"\nlisten = ["here"]\n[rpc]\nport = 70000\nhsot = "x"',
      { HOLDFAST_KERNEL: 'fast', HOLDFAST_PROT: '1' },
    )
    const names = ['profile', 'networkId', 'colour', 'listen.0', 'rpc.port', 'rpc.hsot', 'kernel']
    for (const name of [...names, 'HOLDFAST_PROT'])
      assert.ok(
        found.some((problem) => problem.startsWith(name)),
        `${name} in ${JSON.stringify(found)}`,
      )
    assert.equal(found.length, names.length + 1)
  })

  for (const [what, text, env, says] of [
    ['broken TOML', 'profile = ', {}, /line 1/],
    ['a setting written twice', 'kernel = "wasm"\nkernel = "wasm"', {}, /line 2/],
    ['a port that is no number', '', { HOLDFAST_RPC_PORT: '95x5' }, /rpc\.port/],
    ['a negative port', '[rpc]\nport = -1', {}, /rpc\.port/],
    ['an empty list of addresses', 'listen = []', {}, /listen/],
    ['a name as rpc.host', '[rpc]\nhost = "example.org"', {}, /rpc\.host/],
    ['keys inside the data directory', 'keysDir = "keys"', {}, /keysDir/],
    ['a public node that nobody can reach', 'profile = "public"', {}, /announce/],
    [
      'unsealed requests from other machines',
      'allowPlain = true\nrpc = {host="0.0.0.0"}',
      {},
      /allowPlain/,
    ],
    ['a table in place of a port', '[rpc.port]\nx = 1', {}, /rpc\.port/],
    ['a text in place of a table', 'rpc = "x"', {}, /rpc/],
    [
      'a pool beyond its bound',
      '[guest.correlations]\nhigh = 2000',
      {},
      /guest\.correlations\.high/,
    ],
    ['a pool without an end', '[guest.correlations]\nlow = 50', {}, /guest\.correlations: low is/],
    ['a word that is no opinion', '[operator.autoAccept]\njoin = "always"', {}, /autoAccept\.join/],
    ['nobody ever missing', '[operator]\nalertMissingMinutes = 0', {}, /alertMissingMinutes/],
    ['no time for the background', '[guest.background]\ncpuPercent = 0', {}, /guest\.background/],
    ['an unknown setting of the guest', '[guest]\ncolour = 1', {}, /guest\.colour/],
  ] as const)
    it(`refuses ${what}`, () => {
      const found = problems(text, env)
      assert.ok(
        found.some((problem) => says.test(problem)),
        JSON.stringify(found),
      )
    })

  it('knows each variable it names', () => {
    for (const name of VARIABLE_NAMES) {
      try {
        parsed('', { [name]: '1' })
      } catch (error) {
        assert.ok(error instanceof ConfigError)
        assert.doesNotMatch(error.message, /not a known setting/)
      }
    }
  })
})

describe('readConfig()', () => {
  let dir = ''
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'holdfast-config-'))
  })
  afterEach(() => rm(dir, { recursive: true }))

  it('says how to make a node where there is none', async () => {
    await assert.rejects(readConfig(dir, {}), /holdfast init --dir/)
  })

  it('reads node.toml of the directory', async () => {
    await writeFile(join(dir, 'node.toml'), 'logLevel = "error"')
    assert.equal((await readConfig(dir, {})).logLevel, 'error')
  })

  it('refuses a file too large to be a configuration', async () => {
    await writeFile(join(dir, 'node.toml'), '#'.repeat(70_000))
    await assert.rejects(readConfig(dir, {}), /larger than/)
  })
})
