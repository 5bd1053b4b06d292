import { Link, useLocation } from 'wouter';
import { Icon, type IconName } from '../ui/icon.tsx';

export type Place = { href: string; label: string; icon: IconName; keys: string };
/** The views one can go to; `g` and a letter go there. */
export const places: readonly Place[] = [
  { href: '/', label: 'Overview', icon: 'overview', keys: 'g o' },
  { href: '/runs', label: 'Runs', icon: 'runs', keys: 'g r' },
  { href: '/pipelines', label: 'Pipelines', icon: 'pipelines', keys: 'g p' },
  { href: '/schedules', label: 'Schedules', icon: 'schedules', keys: 'g s' },
  { href: '/inspect', label: 'Inspector', icon: 'inspect', keys: 'g i' },
  { href: '/notifications', label: 'Notifications', icon: 'notifications', keys: 'g n' },
  { href: '/health', label: 'Health', icon: 'health', keys: 'g h' },
];

const isHere = (href: string, path: string): boolean =>
  href === '/' ? path === '/' : path === href || path.startsWith(`${href}/`);

export const Nav = () => {
  const [path] = useLocation();
  return (
    <nav className="nav" aria-label="Views">
      <ul>
        {places.map(({ href, label, icon }) => (
          <li key={href}>
            <Link
              href={href}
              className="nav-link"
              aria-current={isHere(href, path) ? 'page' : undefined}
            >
              <Icon name={icon} />
              <span>{label}</span>
            </Link>
          </li>
        ))}
      </ul>
    </nav>
  );
};
