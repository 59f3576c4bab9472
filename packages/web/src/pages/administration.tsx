import { Link, Outlet } from '@tanstack/react-router';
import { useMe } from '../api/me.ts';
import { OFFICE, open } from '../app/navigation.ts';
import { useText } from '../i18n/text.tsx';

export function AdministrationLayout() {
  const text = useText();
  const sections = Map.groupBy(open(OFFICE, useMe()), (place) => place.section);
  return (
    <div className="office">
      <nav className="office-nav" aria-label={text('nav.administration')}>
        {[...sections].map(([section, places]) => (
          <div key={section}>
            <div className="office-section">{text(section)}</div>
            {places.map((place) => (
              <Link key={place.to} to={place.to} className="office-link">
                <place.icon size={16} aria-hidden />
                {text(place.label)}
              </Link>
            ))}
          </div>
        ))}
      </nav>
      <div>
        <Outlet />
      </div>
    </div>
  );
}
