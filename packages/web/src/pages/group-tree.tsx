import { UnstyledButton } from '@mantine/core';
import { IconChevronRight, IconClock, IconServer2, IconStar, type Icon } from '@tabler/icons-react';
import { memo, useState } from 'react';
import { useText } from '../i18n/text.tsx';
import type { GroupNode } from './machine-search.ts';

interface TreeProps {
  readonly nodes: readonly GroupNode[];
  readonly chosen: string;
  readonly onChoose: (id: string) => void;
}

/** A thousand groups are not drawn again at each key of a search. */
export const GroupTree = memo(function GroupTree(
  props: TreeProps & { readonly recent: number; readonly favourites: number },
) {
  const text = useText();
  const shelves: readonly (readonly [string, Icon, string, number | undefined])[] = [
    ['all', IconServer2, text('machines.all'), undefined],
    ['favourite', IconStar, text('machines.favourites'), props.favourites],
    ['recent', IconClock, text('machines.recent'), props.recent],
  ];
  return (
    <nav aria-label={text('machines.groups')}>
      <ul className="tree-list">
        {shelves.map(([id, Icon, label, count]) => (
          <li key={id}>
            <UnstyledButton className="tree-item" aria-current={props.chosen === id} onClick={() => props.onChoose(id)}>
              <Icon size={16} aria-hidden />
              <span className="truncate">{label}</span>
              {count !== undefined && <span className="tree-count">{text.number(count)}</span>}
            </UnstyledButton>
          </li>
        ))}
      </ul>
      {props.nodes.length > 0 && <h2 className="tree-title">{text('machines.groups')}</h2>}
      <Branch
        nodes={props.nodes}
        chosen={props.chosen}
        onChoose={props.onChoose}
        unfolded={groupsWithin(props.nodes) <= MOST_UNFOLDED}
      />
    </nav>
  );
});

/** So many groups of the first two levels are shown at once; where there are more, the upper alone. */
const MOST_UNFOLDED = 200;

function groupsWithin(nodes: readonly GroupNode[]): number {
  return nodes.reduce((sum, { children }) => sum + 1 + children.length, 0);
}

function Branch(props: TreeProps & { readonly unfolded: boolean }) {
  return (
    <ul className="tree-list">
      {props.nodes.map((node) => (
        <Twig
          key={node.group.id}
          node={node}
          chosen={props.chosen}
          onChoose={props.onChoose}
          unfolded={props.unfolded}
        />
      ))}
    </ul>
  );
}

function Twig(props: {
  readonly node: GroupNode;
  readonly unfolded: boolean;
  readonly chosen: string;
  readonly onChoose: (id: string) => void;
}) {
  const text = useText();
  const [open, setOpen] = useState(props.unfolded);
  const { group, children } = props.node;
  return (
    <li>
      <div className="tree-line">
        {children.length > 0 ? (
          <UnstyledButton
            className="tree-fold"
            aria-expanded={open}
            aria-label={text(open ? 'machines.fold' : 'machines.unfold', { name: group.name })}
            onClick={() => setOpen(!open)}
          >
            <IconChevronRight size={14} aria-hidden />
          </UnstyledButton>
        ) : (
          <span className="tree-fold" />
        )}
        <UnstyledButton
          className="tree-item"
          aria-current={props.chosen === group.id}
          onClick={() => props.onChoose(group.id)}
        >
          <span className="truncate">{group.name}</span>
          <span className="tree-count">{text.number(group.machines)}</span>
        </UnstyledButton>
      </div>
      {open && children.length > 0 && (
        <Branch nodes={children} chosen={props.chosen} onChoose={props.onChoose} unfolded={false} />
      )}
    </li>
  );
}
