//! Counties, areas, departments, officers, absence, enterprises, members, contact cards, and their import.
