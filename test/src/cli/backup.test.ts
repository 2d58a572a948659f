import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openLevelStore } from '../../../enclave-runtime/host/level-store.ts'
import {
  type BackupInfo,
  readBackup,
  readBackupInfo,
  writeBackup,
} from '../../../src/cli/backup-file.ts'
import { EXIT } from '../../../src/cli/exit-codes.ts'
import { nodeFiles } from '../../../src/node/node-files.ts'
import { runWith } from './fake-context.ts'
import { FakeOwnNode } from './fake-own-node.ts'

const PASSPHRASE = 'correct horse battery'
const CHEAP = { logN: 10, r: 1, p: 1 }
const INFO: BackupInfo = {
  networkId: '11'.repeat(32),
  guestSig: '22'.repeat(32),
  index: 1,
  label: 'one',
  epoch: { e: 3, k: 1 },
  recordHash: '33'.repeat(32),
  createdAt: 1_800_000_000_000,
}
const RECORDS = Array.from(
  { length: 150 },
  (_, i) => [`e/0003000${i % 10}/s/a${String(i).padStart(5, '0')}`, Uint8Array.of(i)] as const,
)
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const FILES: Readonly<Record<string, Uint8Array>> = {
  'root.key': Uint8Array.of(1, 2, 3),
  'epochs.key': Uint8Array.of(4),
  'peer.key': Uint8Array.of(5),
  'genesis.cbor': Uint8Array.of(6),
  'node.toml': bytes('profile = "lan"\ndataDir = "/elsewhere"\nkeysDir = "/old/keys"\n'),
}

async function* pages() {
  yield RECORDS.slice(0, 100)
  yield RECORDS.slice(100)
}

describe('backups', () => {
  let root = ''
  let file = ''
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'holdfast-backup-'))
    file = join(root, 'one.backup')
  })
  afterEach(() => rm(root, { recursive: true }))
  const write = (files = FILES) =>
    writeBackup(file, INFO, pages(), { files, passphrase: PASSPHRASE, cost: CHEAP })
  const read = async (passphrase = PASSPHRASE) => {
    const records: [string, Uint8Array][] = []
    const result = await readBackup(file, passphrase, async (name, sealed) => {
      records.push([name, sealed])
    })
    return { ...result, records }
  }

  it('give back every record and every key file, and say what they are of', async () => {
    await write()
    assert.equal((await stat(file)).mode & 0o777, 0o600)
    const { info, files, records } = await read()
    assert.deepEqual(info, INFO)
    assert.deepEqual(files, FILES)
    assert.deepEqual(records, RECORDS)
    assert.deepEqual(await readBackupInfo(file), INFO)
  })

  it('show no key file, and are never written over another', async () => {
    await write({ ...FILES, 'root.key': bytes('a key that nobody may see') })
    const text = await readFile(file, 'utf8')
    assert.ok(!text.includes(Buffer.from('a key that nobody may see').toString('base64')))
    await assert.rejects(write(), { code: 'EEXIST' })
  })

  it('do not open with another passphrase', async () => {
    await write()
    await assert.rejects(
      read('correct horse batterY'),
      /another passphrase, or the file was changed/,
    )
  })

  for (const [what, change] of [
    ['a record is changed', (lines: string[]) => lines.with(5, lines[6] ?? '')],
    ['a record is missing', (lines: string[]) => lines.toSpliced(7, 1)],
    [
      'two records change places',
      (lines: string[]) => lines.with(3, lines[4] ?? '').with(4, lines[3] ?? ''),
    ],
    [
      'it is said to be of another epoch',
      (lines: string[]) => lines.with(0, (lines[0] ?? '').replace('"e":3', '"e":4')),
    ],
    ['it is cut off', (lines: string[]) => lines.slice(0, -2)],
    [
      'it goes on behind its end',
      (lines: string[]) => [...lines.slice(0, -1), '["n/a/abcd",""]', ''],
    ],
    ['a record has a name that none has', (lines: string[]) => lines.with(2, '["../../x","AA=="]')],
  ] as const)
    it(`are refused when ${what}`, async () => {
      await write()
      const lines = (await readFile(file, 'utf8')).split('\n')
      await writeFile(file, change(lines).join('\n'))
      await assert.rejects(read(), { name: 'BackupError' })
    })

  it('are told from any other file', async () => {
    await writeFile(file, '{"hello":1}\n')
    await assert.rejects(readBackupInfo(file), /no backup/)
    await writeFile(file, '')
    await assert.rejects(readBackupInfo(file), /empty/)
  })

  describe('by command', () => {
    const status =
      (e: number, k = 1) =>
      async () => ({ epoch: { e, k } })
    const passphraseFile = () => join(root, 'passphrase')
    const rpc = ['--rpc', 'http://127.0.0.1:1', '--rpc', 'http://127.0.0.1:2']
    beforeEach(() => writeFile(passphraseFile(), `${PASSPHRASE}\n`))
    const run = (args: string[], actions: Parameters<typeof runWith>[1]) =>
      runWith(['backup', ...args, '--passphrase-file', passphraseFile()], actions)

    it('create asks the running node, and takes its key files along', async () => {
      const own = await FakeOwnNode.create()
      const dir = join(root, 'node')
      const { config, peerKey, genesis } = nodeFiles({ dir, dataDir: dir })
      await mkdir(join(dir, 'host'), { recursive: true })
      await mkdir(`${dir}.keys`)
      await writeFile(config, '')
      for (const path of [peerKey, genesis, `${dir}.keys/root.key`, `${dir}.keys/epochs.key`])
        await writeFile(path, path)
      const { createdAt: _, ...head } = INFO
      let page = 0
      own.replies = {
        'backup-open': () => head,
        'backup-next': () => ({ records: [[`n/a/abc${page}`, '00ff']], more: ++page < 2 }),
      }
      const { code, stderr } = await run(['create', '--dir', dir, '--out', file], {
        ownNode: async () => own.own(),
      })
      await own.remove()
      assert.equal(code, 0, stderr)
      const { records, files, info } = await read()
      assert.deepEqual(
        records.map(([name]) => name),
        ['n/a/abc0', 'n/a/abc1'],
      )
      assert.equal(info.index, 1)
      assert.deepEqual(files['root.key'], bytes(`${dir}.keys/root.key`))
    })

    it('create refuses a passphrase that is short, and leaves nothing behind', async () => {
      const own = await FakeOwnNode.create()
      const dir = join(root, 'node')
      await mkdir(dir)
      await writeFile(join(dir, 'node.toml'), '')
      await writeFile(passphraseFile(), 'short\n')
      const { createdAt: _, ...head } = INFO
      own.replies = { 'backup-open': () => head }
      const { code } = await run(['create', '--dir', dir, '--out', file], {
        ownNode: async () => own.own(),
      })
      await own.remove()
      assert.equal(code, EXIT.refused)
      assert.deepEqual((await readdir(root)).toSorted(), ['node', 'passphrase'])
    })

    it('restore makes the directory of the node again, for its owner only', async () => {
      await write()
      const dir = join(root, 'again')
      const { code, stdout, stderr } = await run(['restore', file, '--dir', dir, ...rpc], {
        status: status(3),
      })
      assert.equal(code, 0, stderr)
      assert.match(stdout, new RegExp(`holdfast rejoin --dir ${dir}`))
      const files = nodeFiles({ dir, dataDir: dir })
      const store = await openLevelStore(files.records, { create: false })
      const { rows } = await store.scan('', '')
      await store.close()
      assert.deepEqual(
        rows,
        RECORDS.toSorted(([a], [b]) => (a < b ? -1 : 1)),
      )
      for (const path of [`${dir}.keys/root.key`, files.peerKey, files.config])
        assert.equal((await stat(path)).mode & 0o777, 0o600)
      const settings = await readFile(files.config, 'utf8')
      assert.match(settings, /profile = "lan"/)
      assert.match(settings, new RegExp(`keysDir = "${dir}.keys"`))
      assert.doesNotMatch(settings, /elsewhere/)
    })

    it('restore refuses a backup that is superseded, with the reason', async () => {
      await write()
      const dir = join(root, 'again')
      let asked = 0
      const { code, stderr } = await run(['restore', file, '--dir', dir, ...rpc], {
        status: async () => ({ epoch: { e: asked++ === 0 ? 3 : 5, k: 1 } }),
      })
      assert.equal(code, EXIT.refused)
      assert.match(stderr, /superseded: the backup is of epoch 3, and epoch 5 serves/)
      assert.match(stderr, /epoch propose add --remove 1/)
      await assert.rejects(stat(dir), { code: 'ENOENT' })
    })

    it('restore refuses one of an attempt that came to nothing, and one that nobody can judge', async () => {
      await write()
      const restore = (actions: Parameters<typeof runWith>[1]) =>
        run(['restore', file, '--dir', join(root, 'again'), ...rpc], actions)
      assert.match((await restore({ status: status(3, 2) })).stderr, /never served/)
      const { code } = await restore({
        status: async () => {
          throw new Error('down')
        },
      })
      assert.equal(code, EXIT.unreachable)
    })

    it('restore undoes what it made when the file turns out to be changed', async () => {
      await write()
      const lines = (await readFile(file, 'utf8')).split('\n')
      await writeFile(file, lines.toSpliced(7, 1).join('\n'))
      const dir = join(root, 'again')
      const { code } = await run(['restore', file, '--dir', dir, ...rpc], { status: status(3) })
      assert.equal(code, EXIT.refused)
      for (const gone of [dir, `${dir}.keys`]) await assert.rejects(stat(gone), { code: 'ENOENT' })
    })

    it('restore writes over no other node, and verify over nothing', async () => {
      await write()
      const dir = join(root, 'again')
      await mkdir(dir)
      await writeFile(join(dir, 'something'), '')
      const { code, stderr } = await run(['restore', file, '--dir', dir, ...rpc], {
        status: status(3),
      })
      assert.equal(code, EXIT.refused)
      assert.match(stderr, /not empty/)
      const verified = await run(['verify', file, ...rpc, '--json'], { status: status(3) })
      assert.equal(verified.code, 0)
      assert.equal(verified.json()['records'], RECORDS.length)
      assert.equal((await run(['verify', file, ...rpc], { status: status(4) })).code, EXIT.refused)
    })
  })
})
