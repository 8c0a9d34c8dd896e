// The rooms of the project and the direction of imports between them:
//   tinysse-hub -> server -> hub -> log -> protocol
//   tinysse-hub -> client -> protocol
//   hooks -> client
// Skipping downward is fine, sideways or upward never. A room that this table does not name may import nothing.
const src = '^packages/tinysse/src/';
const leaves = '(errors|clock)\\.ts$';
const stores = 'log/(memory|lmdb|redis)\\b';

/** What each room may import beside itself and the leaves. */
const rooms = {
  protocol: [],
  log: ['protocol'],
  hub: ['log', 'protocol'],
  server: ['hub', 'log', 'protocol'],
  client: ['protocol'],
  hooks: ['client', 'protocol'],
};
/** Files beside the rooms: each entry wires what its room offers. */
const entries = 'index\\.ts$|(lmdb|redis)\\.ts$';

const roomRules = Object.entries(rooms).map(([room, below]) => ({
  name: `${room}-looks-down`,
  comment: `${room} may import ${['errors', 'clock', ...below].join(', ')} and nothing else of the library.`,
  severity: 'error',
  from: { path: `${src}${room}/` },
  to: { path: src, pathNot: `${src}(${leaves}|(${[room, ...below].join('|')})/)` },
}));

/** @type {import('dependency-cruiser').IConfiguration} */
export default {
  forbidden: [
    ...roomRules,
    {
      name: 'leaves-import-nothing',
      severity: 'error',
      from: { path: `${src}${leaves}` },
      to: {},
    },
    {
      name: 'every-file-has-a-room',
      comment: 'Give a new room its place in the table of this file.',
      severity: 'error',
      from: { path: src, pathNot: `${src}(${leaves}|${entries}|(testing|${Object.keys(rooms).join('|')})/)` },
      to: {},
    },
    {
      name: 'index-only-wires',
      comment: 'What others need lives in a room, not in the entry.',
      severity: 'error',
      from: { path: src, pathNot: `${src}testing/` },
      to: { path: `${src}(${entries})` },
    },
    {
      name: 'stores-are-named-where-things-are-wired',
      comment: 'Everything else takes a log by its contract.',
      severity: 'error',
      from: { path: src, pathNot: `${src}(${entries}|server/server\\.ts$|testing/|${stores})` },
      to: { path: `${src}${stores}` },
    },
    {
      name: 'testing-is-for-tests',
      severity: 'error',
      from: { pathNot: `(^|/)test/|\\.test\\.ts$|^(runtimes|scripts/consumer)/|${src}testing/` },
      to: { path: `${src}testing/` },
    },
    {
      name: 'programs-are-users',
      comment: 'The hub program, the examples and the runtimes import the library by its package names only.',
      severity: 'error',
      from: { path: '^(packages/tinysse-hub|examples|runtimes)/' },
      to: { path: src, dependencyTypes: ['local'] },
    },
    {
      name: 'the-library-stands-alone',
      severity: 'error',
      from: { path: src },
      to: { path: '^packages/tinysse-hub/' },
    },
    { name: 'no-circle', severity: 'error', from: {}, to: { circular: true } },
    { name: 'found', comment: 'The import leads nowhere.', severity: 'error', from: {}, to: { couldNotResolve: true } },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(^|/)(dist|\\.tmp)/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.check.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['tinysse-source', 'import', 'types', 'node', 'default'],
    },
  },
};
