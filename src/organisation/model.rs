//! The vocabulary of the organisation: ids and the words of its columns.

use crate::{id_type, text_enum};

id_type!(
    /// A county: the tenant.
    CountyId
);
id_type!(
    /// A park or town.
    AreaId
);
id_type!(
    /// A department (部门) of the county.
    DepartmentId
);
id_type!(
    /// An officer: a person with a post in a department or an area.
    OfficerId
);
id_type!(
    /// An enterprise.
    EnterpriseId
);

text_enum!(
    /// What kind of place an area is.
    AreaKind { Town = "town", Street = "street", Park = "park" }
);

text_enum!(
    /// An officer's post. The head (一把手) is the first responsible person of the department.
    Post {
        Head = "head",
        Deputy = "deputy",
        SectionHead = "section_head",
        Dispatcher = "dispatcher",
        Lead = "lead",
        Enforcement = "enforcement",
        CountyLeader = "county_leader",
    }
);

text_enum!(
    /// Whether an officer may be asked at all. Leave is not a status: see absences.
    OfficerStatus { Active = "active", Suspended = "suspended", Left = "left" }
);

text_enum!(
    /// Where an absence comes from: the county's files, or somebody who entered it in the product.
    AbsenceSource { Import = "import", Entered = "entered" }
);

text_enum!(
    /// The organs of the mechanism that exist once in a county.
    Office {
        BusinessOffice = "business_office",
        Inspectorate = "inspectorate",
        Discipline = "discipline",
        CountyGovernment = "county_government",
    }
);

text_enum!(
    /// Whether an enterprise does business.
    EnterpriseStatus { Operating = "operating", Suspended = "suspended", Deregistered = "deregistered" }
);
