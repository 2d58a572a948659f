// Plain JavaScript on purpose: it must run, and explain itself, on a Node too old for everything else.
const NEEDED = [22, 18]
const [major, minor] = process.versions.node.split('.').map(Number)
if (major < NEEDED[0] || (major === NEEDED[0] && minor < NEEDED[1])) {
  process.stderr.write(
    `holdfast needs Node ${NEEDED.join('.')} or newer; this is ${process.version}.\n` +
      'Run it through npm (npm start, npm test): on Linux and Windows `npm ci` installs a fitting Node.\n',
  )
  process.exit(1)
}
